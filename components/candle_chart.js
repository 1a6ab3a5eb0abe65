// ECharts with one drawing per change: what arrives with the chart is not drawn a second time, and what comes before it stands waits.
import { echarts } from "nicegui-echart";
import { convertDynamicProperties } from "../../static/utils/dynamic_properties.js";

// The page is seen first. Nothing is painted in a window that nobody looks at: there it goes on by itself.
const painted = () => new Promise(done => { requestAnimationFrame(() => setTimeout(done)); setTimeout(done, 200); });

export default {
  template: "<div></div>",
  props: ["options", "enable3d", "renderer", "theme"],
  mounted() {
    this.stands = painted().then(() => this.begin());
    this.update_chart();
  },
  beforeUnmount() {
    this.gone = true;
    this.seen?.disconnect();
    this.chart?.dispose();
  },
  methods: {
    begin() {
      if (this.gone) return;
      this.chart = echarts.init(this.$el);
      this.seen = new ResizeObserver(() => {
        if (this.chart.getWidth() !== this.$el.clientWidth || this.chart.getHeight() !== this.$el.clientHeight) this.chart.resize();
      });
      this.seen.observe(this.$el);
    },
    async update_chart() {
      await this.stands;
      const options = Vue.toRaw(this.options);
      if (this.gone || this.drawn === options) return;
      this.drawn = options;
      convertDynamicProperties(options, true);
      this.chart.setOption(options);
    },
    async run_chart_method(name, ...args) {
      await this.stands;
      if (!this.gone) return runMethod(this.chart, name, args);
    },
  },
};

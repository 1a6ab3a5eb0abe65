// A table of candles, the newest on top. Only the rows in view are drawn; the room of the others is kept, so that all are reached.
const ROW = 30; // pixels, as the style sheet has it
const FIRST = 12; // rows that fill the table before anybody has scrolled
const MORE = 4; // rows drawn beyond either edge
const GLOW = 3000;

const writers = new Map();

// A formatter takes longer to make than a hundred figures to write: tables that write alike share it.
function writer(expression) {
  if (!writers.has(expression)) writers.set(expression, new Function(`return ${expression}`)());
  return writers.get(expression);
}

export default {
  template: `<div class="candle-table" tabindex="0" role="group" @scroll.passive="look">
    <table :aria-rowcount="lines.length + 1">
      <thead><tr aria-rowindex="1"><th v-for="column in columns" scope="col" :class="'candle-' + column.name">{{ column.title }}</th></tr></thead>
      <tbody>
        <tr v-if="from" aria-hidden="true" :style="{ height: from * height + 'px' }"></tr>
        <tr v-for="(row, place) in seen" :key="row.id" :aria-rowindex="from + place + 2" :class="row.look">
          <td v-for="(text, cell) in row.texts" :class="'candle-' + columns[cell].name">{{ text }}</td></tr>
        <tr v-if="below" aria-hidden="true" :style="{ height: below * height + 'px' }"></tr>
      </tbody></table></div>`,
  props: { rows: String, columns: Array, most: Number, span: Number, forming: String },
  data() { return { lines: this.read(), from: 0, many: FIRST + MORE, height: ROW }; },
  computed: {
    seen() { return this.lines.slice(this.from, this.from + this.many).map(line => this.write(line)); },
    below() { return Math.max(0, this.lines.length - this.from - this.many); },
  },
  watch: { rows() { this.lines = this.read(); } },
  methods: {
    read() { return Object.freeze(this.rows ? this.rows.split(";").map(line => ({ fields: line.split(",") })) : []); },
    // One row: in its place where its candle is known, else on top, where it glows a while. Who reads further down stays there.
    put(text) {
      const line = { fields: text.split(",") }, id = line.fields[0];
      const place = this.lines.slice(0, 3).findIndex(one => one.fields[0] === id), lines = [...this.lines];
      if (place >= 0) {
        line.fresh = lines[place].fresh;
        lines[place] = line;
      } else {
        line.fresh = performance.now() + GLOW;
        lines.unshift(line);
        lines.length = Math.min(lines.length, this.most);
        if (this.$el.scrollTop) this.$el.scrollTop += ROW;
      }
      this.lines = Object.freeze(lines);
    },
    look() {
      const { scrollTop, clientHeight } = this.$el;
      this.from = Math.max(0, Math.floor(scrollTop / ROW) - MORE);
      this.many = Math.ceil(clientHeight / ROW) + 2 * MORE;
    },
    write(line) {
      const [id, open, high, low, close, volume, lag] = line.fields;
      const kind = lag === "" ? "history" : lag === "forming" ? "forming" : "live";
      const values = { when: Number(id) + this.span, open, high, low, close, volume, lag: kind === "live" ? lag : "" };
      const texts = this.columns.map(({ name, write }) => values[name] === "" ? "" : writer(write)(Number(values[name])));
      if (kind === "forming") texts[0] = this.forming;
      const look = { "beat-row": true, [`beat-${kind}`]: true, fresh: line.fresh > performance.now() };
      return { id, texts, look };
    },
  },
};

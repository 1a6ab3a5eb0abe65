// A list of pairs in one element: what is clicked is told by its symbol, and of prices only those that changed travel.
export default {
  template: `<ul class="picker-list">
    <li v-for="pair in pairs" :key="pair.symbol" class="pair" :class="{ chosen: pair.symbol === chosen }">
      <button type="button" class="pair-name" :aria-label="pair.symbol" :aria-current="pair.symbol === chosen || null" @click="$emit('pick', pair.symbol)">
        <span>{{ pair.base }}</span><span class="faint">/{{ pair.quote }}</span></button>
      <span class="pair-price">{{ written[pair.symbol] }}</span>
      <button type="button" class="pair-star" :class="{ starred: pair.starred }" :aria-pressed="pair.starred" @click="$emit('star', pair.symbol)"
        :aria-label="(pair.starred ? drop : keep).split('{symbol}').join(pair.symbol)"
        ><i class="q-icon notranslate material-icons" aria-hidden="true">{{ pair.starred ? "star" : "star_border" }}</i></button>
    </li>
    <li v-if="!told" class="skeletons waiting-lines" aria-hidden="true"></li>
    <li v-if="told && !pairs.length" class="muted picker-none">{{ none }}</li></ul>`,
  props: { pairs: Array, prices: Object, chosen: String, told: Boolean, none: String, keep: String, drop: String },
  data() { return { written: { ...this.prices } }; },
  watch: { prices() { this.written = { ...this.prices }; } },
  methods: { write(prices) { Object.assign(this.written, prices); } },
};

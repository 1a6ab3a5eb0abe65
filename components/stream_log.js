// Lines as they come, the newest on top; the browser keeps the last ones and forgets the rest.
export default {
  template: `<div class="stream-log mono" tabindex="0" role="log" aria-live="off">
    <div v-for="line in lines" :key="line[0]" :class="['stream-line', line[2]]">{{ line[1] }}</div>
    <div v-if="!lines.length" class="stream-line muted">{{ waiting }}</div></div>`,
  props: { most: Number, waiting: String },
  data() { return { lines: [] }; },
  methods: {
    add(batch) { this.lines = Object.freeze(batch.concat(this.lines).slice(0, this.most)); },
  },
};

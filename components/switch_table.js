// A table of switches in one element: what is clicked stands at once, and only the one switch travels.
export default {
  template: `<table class="switch-table">
    <caption class="visually-hidden">{{ label }}</caption>
    <thead><tr>
      <th scope="col">{{ corner }}</th>
      <th v-for="column in columns" scope="col"><q-icon :name="column.icon" aria-hidden="true"></q-icon><span class="switch-name">{{ column.title }}</span></th>
    </tr></thead>
    <tbody><tr v-for="row in shown" :key="row.name">
      <th scope="row">{{ row.title }}</th>
      <td v-for="(column, place) in columns"><label>
        <input type="checkbox" :checked="row.on[place]" :disabled="!!refusal" :title="refusal || null"
          :aria-label="row.title + ': ' + column.title" @change="flip(row, place, $event.target.checked)">
      </label></td>
    </tr></tbody></table>`,
  props: { label: String, corner: String, columns: Array, rows: Array, refusal: String },
  data() { return { shown: this.copy() }; },
  watch: { rows() { this.shown = this.copy(); } },
  methods: {
    copy() { return (this.rows ?? []).map(row => ({ ...row, on: [...row.on] })); },
    flip(row, place, on) {
      row.on[place] = on;
      this.$emit("flipped", { row: row.name, column: this.columns[place].name, on });
    },
  },
};

// Two texts side by side, line against line; one below the other where there is no room.
export default {
  template: `
    <div class="compare mono" role="table" tabindex="0" :aria-label="label">
      <template v-for="(row, i) in rows" :key="i">
        <div v-if="row.gap" class="compare-gap" role="row"><span role="cell">{{ words.replace("{count}", row.gap) }}</span></div>
        <div class="compare-row" role="row" :class="{ changed: row.changed }">
          <span class="compare-number" role="cell">{{ row.left || "" }}</span>
          <span class="compare-text went" role="cell" :class="{ none: !row.left }">{{ row.left_text }}</span>
          <span class="compare-number" role="cell">{{ row.right || "" }}</span>
          <span class="compare-text came" role="cell" :class="{ none: !row.right }">{{ row.right_text }}</span>
        </div>
      </template>
    </div>`,
  props: { rows: Array, label: String, words: String },
};

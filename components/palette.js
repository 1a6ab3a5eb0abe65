// The command palette: one field, one list. What is listed comes from the server; arrows, Enter and Escape stay here.
const MOST_RECENT = 8;
export default {
  template: `
    <q-dialog v-model="open" position="top" :transition-duration="90" :aria-label="words.ask" @show="begin">
      <div class="palette">
        <div class="palette-head">
          <q-icon name="search" aria-hidden="true"></q-icon>
          <input ref="field" autofocus class="palette-field" type="text" role="combobox" aria-expanded="true" aria-autocomplete="list"
            aria-controls="palette-list" :aria-activedescendant="items.length ? 'palette-' + at : undefined" :aria-label="words.ask"
            :placeholder="words.ask" v-model="text" @input="ask" @keydown="move" autocomplete="off" spellcheck="false">
        </div>
        <div id="palette-list" ref="list" role="listbox" class="palette-list" :aria-label="words.found" :data-answers="answers"
          v-show="items.length">
          <div v-for="(item, i) in items" :key="item.id" :id="'palette-' + i" role="option" :aria-selected="i === at ? 'true' : 'false'"
            class="palette-item" @click="choose(i)" @mousemove="at = i">
            <q-icon :name="item.icon" aria-hidden="true"></q-icon>
            <span class="palette-label">{{ item.label }}</span>
            <span class="palette-kind">{{ item.kind }}</span>
          </div>
        </div>
        <div v-show="!items.length && answered" class="palette-none" role="status">{{ words.nothing }}</div>
        <div class="palette-foot" aria-hidden="true">
          <span><kbd>↑</kbd><kbd>↓</kbd> {{ words.pick }}</span><span><kbd>{{ words.enter }}</kbd> {{ words.go }}</span>
          <span><kbd>{{ words.escape }}</kbd> {{ words.close }}</span>
        </div>
      </div>
    </q-dialog>`,
  props: { words: Object, owner: String },
  data() { return { open: false, text: "", items: [], at: 0, answered: false, answers: null, eager: false }; },
  mounted() { window.addEventListener("keydown", this.summon, true); },
  unmounted() { window.removeEventListener("keydown", this.summon, true); },
  methods: {
    summon(event) {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
      event.preventDefault();
      event.stopPropagation();
      this.toggle();
    },
    toggle() {
      this.open = !this.open;
      if (this.open) { this.text = ""; this.items = []; this.answered = false; this.answers = null; this.ask(); }
    },
    begin() { this.$refs.field.focus(); },
    ask() { this.eager = false; this.$emit("ask", { text: this.text, recent: this.recent() }); },
    show(text, items) {
      if (text !== this.text) return;
      this.items = items; this.at = 0; this.answered = true; this.answers = text;
      if (this.eager) this.choose(0);
    },
    move(event) {
      const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
      if (event.key in steps && this.items.length) {
        const last = this.items.length - 1, to = this.at + steps[event.key];
        this.at = Math.abs(steps[event.key]) > 1 ? Math.min(last, Math.max(0, to)) : to < 0 ? last : to > last ? 0 : to;
        this.$nextTick(() => document.getElementById("palette-" + this.at)?.scrollIntoView({ block: "nearest" }));
      } else if (event.key === "Enter" && !event.isComposing) {
        if (this.answers === this.text) this.choose(this.at);
        else this.eager = true; // what is listed still answers fewer letters: the first of what comes is meant
      } else return;
      event.preventDefault();
    },
    choose(i) {
      const item = this.items[i];
      if (!item) return;
      this.open = false;
      try {
        const kept = [item.id, ...this.recent().filter(id => id !== item.id)].slice(0, MOST_RECENT);
        localStorage.setItem(this.place(), JSON.stringify(kept));
      } catch (_) { /* a browser that keeps nothing: nothing is recent */ }
      this.$emit("choose", { id: item.id });
    },
    recent() {
      try {
        const kept = JSON.parse(localStorage.getItem(this.place()) || "[]");
        return Array.isArray(kept) ? kept.filter(id => typeof id === "string").slice(0, MOST_RECENT) : [];
      } catch (_) { return []; }
    },
    place() { return "aristobot.palette." + this.owner; },
  },
};

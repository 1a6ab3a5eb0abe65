// Tells screen readers which page has come, and keeps the focus on the page when what held it is gone.
const PATIENCE = 10_000;
export default {
  template: `<div class="visually-hidden" role="status" aria-live="polite">{{ title }}</div>`,
  data() { return { title: "" }; },
  unmounted() { clearTimeout(this.timer); },
  methods: {
    arrived(title) {
      this.title = title;
      this.until = performance.now() + PATIENCE;
      this.lookIn(200);
    },
    lookIn(milliseconds) {
      clearTimeout(this.timer);
      this.timer = setTimeout(this.look, milliseconds);
    },
    look() {
      const main = document.querySelector("main.content"), at = document.activeElement;
      if (at && at !== document.body) {
        // The page before may still stand while the parts of the next are being fetched: what holds the focus goes with it.
        if (performance.now() < this.until) this.lookIn(100);
      } else if (main && !document.querySelector(".q-dialog__inner")) main.focus({ preventScroll: true });
    },
  },
};

// Tells screen readers which page has come, and keeps the focus on the page when what held it is gone.
export default {
  template: `<div class="visually-hidden" role="status" aria-live="polite">{{ title }}</div>`,
  data() { return { title: "" }; },
  methods: {
    arrived(title) {
      this.title = title;
      setTimeout(() => {
        const main = document.querySelector("main.content");
        if (main && (!document.activeElement || document.activeElement === document.body)) main.focus({ preventScroll: true });
      }, 200);
    },
  },
};

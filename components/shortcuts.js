// Single keys that act while nobody writes and no dialog is open; with Ctrl or Cmd they belong to the browser.
export default {
  template: `<span hidden></span>`,
  props: { keys: Array },
  mounted() { window.addEventListener("keydown", this.pressed); },
  unmounted() { window.removeEventListener("keydown", this.pressed); },
  methods: {
    pressed(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.defaultPrevented) return;
      if (!this.keys.includes(event.key) || document.querySelector(".q-dialog")) return;
      const focused = event.target;
      if (focused.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(focused.tagName)) return;
      event.preventDefault();
      this.$emit("pressed", { key: event.key });
    },
  },
};

// A lamp with an age that the browser counts on by itself, from what the server last reported. No live region: it would be read out every second.
export default {
  template: `<span class="lamp" :class="tone" role="img" :aria-label="name + ': ' + text">
    <span class="lamp-dot"></span><span class="lamp-words age-name">{{ name }}</span><span class="lamp-value age-value">{{ text }}</span></span>`,
  props: { name: String, seconds: Number, beat: Number, unknown: String, late: Number, lost: Number },
  data() { return { since: 0, now: 0, timer: null }; },
  computed: {
    age() { return Math.max(0, Math.floor((this.now - this.since) / 1000 + this.seconds)); },
    text() {
      if (this.seconds < 0) return this.unknown;
      if (this.age < 100) return this.age + "\u00a0s";
      return this.age < 6000 ? Math.floor(this.age / 60) + "\u00a0min" : Math.floor(this.age / 3600) + "\u00a0h";
    },
    tone() {
      if (this.seconds < 0) return "";
      return this.age >= this.lost ? "bad" : this.age >= this.late ? "warn" : "good";
    },
  },
  watch: { beat() { this.restart(); } },
  mounted() { this.restart(); this.timer = setInterval(() => (this.now = performance.now()), 500); },
  unmounted() { clearInterval(this.timer); },
  methods: { restart() { this.since = this.now = performance.now(); } },
};

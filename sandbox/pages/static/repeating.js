// Does something again and again, one run at a time, and only while somebody can see the page.
export class Repeating {
  #work;
  #every;
  #timer;
  #wanted = false;
  #round = 0;

  // `work` returns (a promise of) false when it need not run again, or the milliseconds to the next run.
  constructor(work, every) {
    this.#work = work;
    this.#every = every;
    document.addEventListener("visibilitychange", () => this.#resume());
  }

  start() {
    this.#wanted = true;
    this.#resume();
  }

  stop() {
    this.#wanted = false;
    this.#round += 1;
    clearTimeout(this.#timer);
  }

  #resume() {
    clearTimeout(this.#timer);
    this.#round += 1; // a run that is still under way does not schedule a second line of runs
    if (this.#wanted && !document.hidden) this.#run(this.#round);
  }

  async #run(round) {
    const next = await this.#work();
    if (round !== this.#round) return;
    if (next === false) this.stop();
    else this.#timer = setTimeout(() => this.#run(round), next ?? this.#every);
  }
}

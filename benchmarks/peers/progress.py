"""A bar on stderr that keeps ticking while a worker is busy."""
import sys
import threading
import time


class Progress:
    """with Progress("sift-128", 40) as bar: bar.step("building hnswlib"); ...

    On a terminal one line is redrawn every half second; elsewhere each new kind of step prints one line.
    """

    def __init__(self, label, total):
        self.label, self.total, self.done, self.text = label, total, 0, ""
        self.share, self.weight, self.since, self.tty = 0.0, 0, time.time(), sys.stderr.isatty()
        self.said, self.stopped = "", threading.Event()
        self.thread = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()
        if self.tty:
            sys.stderr.write("\r\x1b[K")

    def step(self, text, weight=1):
        """The step before is done; `text` is what happens now, and `weight` how much of the total that is."""
        self.done += self.weight
        self.weight, self.text, self.share, self.since = weight, text, 0.0, time.time()
        kind = text.split(":")[0]
        if not self.tty and kind != self.said:
            self.said = kind
            print(f"{self.label}: {min(self.done, self.total)}/{self.total} {text}", file=sys.stderr, flush=True)

    def part(self, share):
        """How much of the present step is done, where that is known."""
        self.share = share

    def _tick(self):
        while not self.stopped.wait(0.5):
            if self.tty and self.text:
                self._draw()

    def _draw(self):
        share = min(1.0, (self.done + self.weight * self.share) / max(1, self.total))
        bar = "#" * int(24 * share)
        seconds = int(time.time() - self.since)
        busy = f" ({seconds} s)" if seconds > 1 else ""
        sys.stderr.write(f"\r\x1b[K[{bar:.<24}] {100 * share:3.0f} % {self.label}: {self.text}{busy}")
        sys.stderr.flush()

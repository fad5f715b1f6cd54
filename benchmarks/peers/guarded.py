"""What one library does wrong must not end the others' run."""
import sys

from remote import WorkerError


class Guarded:
    """Mixed into a run that has `dataset`, `versions` and `rows`, {name: its row of figures}."""

    def _alive(self, variant):
        return "failed" not in self.rows[variant.name]

    def _guard(self, variant, action):
        """A variant that fails drops out with its message; the others go on, and the run ends with status 1."""
        try:
            action(variant)
        except WorkerError as error:
            self.rows[variant.name]["failed"] = str(error)
            print(f"\n{self.dataset.label}: {variant.name} failed: {error}", file=sys.stderr)

    def _note_version(self, facts):
        self.versions[facts["library"]] = f"{facts['version']} ({facts['simd']})" if facts["simd"] else facts["version"]

package backup

import (
	"os/exec"
	"testing"
)

func TestABackupCanBeCheckedWithSha256sumAndVerify(t *testing.T) {
	s := newSample(t, "c1")
	store := newStore(t)
	res := mustCreate(t, store, s.src, CreateOptions{})
	cmd := exec.Command("sha256sum", "-c", "--quiet", "SHA256SUMS")
	cmd.Dir = store.Dir() + "/" + res.ID
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("sha256sum -c: %v: %s", err, out)
	}
	v := mustVerify(t, store, res.ID, VerifyOptions{})
	if v.Files != 153 || v.Rows < 1500 || v.Parts != v.Of {
		t.Errorf("verified %d files, %d rows, %d of %d parts", v.Files, v.Rows, v.Parts, v.Of)
	}
	if r := res.Manifest.Database.References; r.Checked != 132 || r.Missing != 0 || r.WrongLen != 0 {
		t.Errorf("references: %+v", r)
	}
}

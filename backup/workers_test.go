package backup

import (
	"runtime"
	"testing"

	"github.com/gitlab-mattermost/sdk/internal/manysha"
)

func TestHowManyFilesAreReadAtOnce(t *testing.T) {
	here, err := OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := struct{ Store }{here}
	sums, each := manysha.New(), max(2, runtime.NumCPU())
	for _, c := range []struct {
		reason string
		asked  int
		sums   *manysha.Pool
		store  Store
		want   int
	}{
		{"as many as asked for, however fast hashes in company are", 3, sums, here, 3},
		{"one for each processor without company", 0, nil, here, each},
		{"what makes the best of the processor", 0, sums, here, sums.Width(each)},
		{"one for each processor when each may hold megabytes for an upload", 0, sums, elsewhere, each},
	} {
		if got := atOnce(c.asked, c.sums, c.store); got != c.want {
			t.Errorf("%s: %d, want %d", c.reason, got, c.want)
		}
	}
}

func TestOnlyAStoreHereHasPartsHashedInCompany(t *testing.T) {
	here, sums := newStore(t), manysha.New()
	if got, want := inCompany(sums, here), sums.Width(1) > 1; got != want {
		t.Errorf("a directory: %t, want %t", got, want)
	}
	if inCompany(sums, struct{ Store }{here}) {
		t.Error("an upload may hold megabytes for each part that waits")
	}
	if inCompany(nil, here) {
		t.Error("there is no company on a processor that hashes one by one")
	}
}

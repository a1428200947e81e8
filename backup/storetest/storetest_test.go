package storetest_test

import (
	"path/filepath"
	"testing"

	"github.com/gitlab-mattermost/sdk/backup"
	"github.com/gitlab-mattermost/sdk/backup/storetest"
)

func TestDirStoreKeepsTheStoresPromises(t *testing.T) {
	storetest.Run(t, func(t *testing.T) backup.Store {
		s, err := backup.OpenDir(filepath.Join(t.TempDir(), "store"))
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

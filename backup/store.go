package backup

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// Store holds backups as named objects. [DirStore] is a directory,
// s3store.Store an S3 bucket; storetest.Run checks any other implementation.
//
// A name is slash separated, relative, at most 400 bytes of letters, digits,
// '.', '-' and '_' (see [CheckObjectName]); implementations refuse others.
// Methods may be called from several goroutines.
type Store interface {
	// Create begins an object. It becomes visible, whole and durable, at
	// Commit and not before; an object of the same name is then replaced.
	Create(ctx context.Context, name string) (ObjectWriter, error)
	// Open reads an object from its start. A missing one is an error that
	// wraps fs.ErrNotExist.
	Open(ctx context.Context, name string) (io.ReadCloser, error)
	// Stat describes an object without reading it; missing as in Open.
	Stat(ctx context.Context, name string) (Object, error)
	// List gives every visible object whose name begins with prefix, sorted
	// by name.
	List(ctx context.Context, prefix string) ([]Object, error)
	// Delete removes an object, durably. A missing one is no error.
	Delete(ctx context.Context, name string) error
}

// Object describes a stored object.
type Object struct {
	Name     string    `json:"name"`
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
}

// ObjectWriter writes one object. Exactly one of Commit and Abort ends it;
// Abort after Commit does nothing, so that it can be deferred.
type ObjectWriter interface {
	io.Writer
	Commit() error
	Abort() error
}

// Locker is what a Store offers when it can keep two writers apart. A store
// without it is protected by unique names and by the age of unfinished work.
type Locker interface {
	// Lock fails at once, with an error that wraps ErrLocked, when somebody
	// else holds the store. A shared lock admits other shared ones. The lock
	// ends with the process, also when that is killed.
	Lock(ctx context.Context, mode LockMode) (unlock func() error, err error)
}

// LockMode says what else a lock admits.
type LockMode int

// Exclusive is for creating and deleting, Shared for reading.
const (
	Exclusive LockMode = iota
	Shared
)

// CheckObjectName tells whether name is a legal object name.
func CheckObjectName(name string) error {
	if name == "" || len(name) > 400 {
		return fmt.Errorf("object name of %d bytes: want 1 to 400", len(name))
	}
	for element := range strings.SplitSeq(name, "/") {
		if element == "" || element == "." || element == ".." || strings.HasPrefix(element, ".tmp-") {
			return fmt.Errorf("object name %q: element %q is not allowed", name, element)
		}
		for _, c := range element {
			if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_", c) {
				return fmt.Errorf("object name %q: %q is not allowed", name, c)
			}
		}
	}
	return nil
}

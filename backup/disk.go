package backup

import (
	"fmt"
	"os"
	"sort"
	"syscall"
	"time"
	"unsafe"
)

// startWriteback asks the kernel to begin writing a range of f. It is only a
// hint: what counts is the Sync afterwards, so its result means nothing.
func startWriteback(f *os.File, offset, n int64) {
	const write = 2 // SYNC_FILE_RANGE_WRITE
	_ = syscall.SyncFileRange(int(f.Fd()), offset, n, write)
}

// syncTree makes everything on dir's file system durable with one call, which
// is what thousands of new files and directories need.
func syncTree(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	defer d.Close()
	if _, _, errno := syscall.Syscall(sysSyncfs, d.Fd(), 0, 0); errno != 0 {
		return fmt.Errorf("sync %s: %w", dir, errno)
	}
	return nil
}

func freeBytes(dir string) (int64, error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return 0, fmt.Errorf("free space of %s: %w", dir, err)
	}
	return int64(fs.Bavail) * fs.Bsize, nil
}

// usedBytes is what dir's whole file system holds: an upper bound of what
// anything below dir can take, found without a walk.
func usedBytes(dir string) (int64, error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return 0, fmt.Errorf("used space of %s: %w", dir, err)
	}
	return int64(fs.Blocks-fs.Bfree) * fs.Bsize, nil
}

func sortObjects(list []Object) {
	sort.Slice(list, func(i, j int) bool { return list[i].Name < list[j].Name })
}

// linkTime sets the times of a symbolic link itself.
func linkTime(path string, when time.Time) error {
	p, err := syscall.BytePtrFromString(path)
	if err != nil {
		return err
	}
	ts := [2]syscall.Timespec{syscall.NsecToTimespec(when.UnixNano()), syscall.NsecToTimespec(when.UnixNano())}
	const atFdcwd, noFollow = -100, 0x100
	dir := atFdcwd
	if _, _, errno := syscall.Syscall6(syscall.SYS_UTIMENSAT, uintptr(dir), uintptr(unsafe.Pointer(p)), uintptr(unsafe.Pointer(&ts[0])), noFollow, 0, 0); errno != 0 {
		return fmt.Errorf("set the time of link %s: %w", path, errno)
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

package gitlabrb

// Lookups is everything outside its own text that a gitlab.rb may be given. It
// is a closed set: no program is ever run, and a nil field means that the
// question has no answer, so a value that depends on it is Undecided.
//
// The evaluator calls them as it goes, from one goroutine.
type Lookups struct {
	// Env answers ENV['NAME'] and ENV.fetch.
	Env func(name string) (value string, ok bool)
	// ReadFile answers File.read, IO.read, from_file and the like. A missing
	// file is fs.ErrNotExist, one that exists but is not to be known
	// ErrContentUnknown.
	ReadFile func(path string) ([]byte, error)
	// Exists answers File.exist? and File.file?.
	Exists func(path string) bool
	// Glob answers Dir.glob and Dir[], sorted.
	Glob func(pattern string) []string
	// Command answers `command` and %x(command) with the recorded output.
	Command func(command string) (output string, ok bool)
	// Hostname answers Socket.gethostname.
	Hostname func() (name string, ok bool)
}

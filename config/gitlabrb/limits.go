package gitlabrb

// The limits that keep a hostile file from using up time or memory. A real
// gitlab.rb stays below all of them by a factor of ten or more.
const (
	// MaxSize is the largest source text that is parsed, in bytes. The
	// template that GitLab ships has 0.2 MB.
	MaxSize = 8 << 20

	// maxDepth bounds the nesting of expressions in the source, of calls while
	// evaluating, and of YAML and JSON documents.
	maxDepth = 250

	// maxErrors bounds how many syntax errors one parse reports.
	maxErrors = 20

	// maxIncludes bounds how many texts one evaluation includes or evals.
	maxIncludes = 100

	// maxCalls bounds how deep methods and blocks may call each other.
	maxCalls = 150

	// maxFindings bounds how many findings one evaluation reports.
	maxFindings = 1000

	// maxSteps bounds the work of one evaluation. One step is one tree node
	// evaluated or one element of a collection touched; two million take about
	// a quarter of a second.
	maxSteps = 2_000_000

	// maxBytes bounds the text that one evaluation may build in all.
	maxBytes = 32 << 20

	// maxBits bounds the size of an integer that arithmetic may make.
	maxBits = 1 << 16

	// maxDigits bounds the text that is read as an integer: reading takes time
	// that grows with the square of its length.
	maxDigits = 10_000
)

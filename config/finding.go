package config

// Severities of a Finding.
const (
	SeverityError   = "error"   // the installation will not work like this
	SeverityWarning = "warning" // it works, and will surprise
	SeverityInfo    = "info"    // worth knowing
)

// Finding says "this will bite you": a trap that the files step into, where,
// and what to do. Ids are stable; texts are not promised.
type Finding struct {
	ID       string `json:"id"` // rule id, for example "url.trailing-slash"
	Severity string `json:"severity"`
	Message  string `json:"message"`
	Where    string `json:"where"` // file:line:col, a file, or a setting's name
	Fix      string `json:"fix"`
}

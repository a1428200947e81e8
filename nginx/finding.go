package nginx

// Severities of a Finding.
const (
	SeverityError   = "error"   // nginx refuses it, or Mattermost does not work through it
	SeverityWarning = "warning" // it works, and will surprise
	SeverityInfo    = "info"    // worth knowing
)

// Finding is something that will bite: in a setting, in a vhost on disk, in a
// certificate. Ids are stable; texts are not promised.
type Finding struct {
	ID       string `json:"id"`
	Severity string `json:"severity"` // "error", "warning" or "info"
	Message  string `json:"message"`
	Where    string `json:"where"`
	Fix      string `json:"fix"`
}

package upgrade

// Journey is a plan: ordered steps from one point to another, with the
// decisions that its owner has to take. It is plain data; its JSON has the
// same fields.
type Journey struct {
	From      Point      `json:"from"`
	To        Point      `json:"to"`
	On        Date       `json:"on,omitzero"` // the day it is judged for; zero: not judged
	Start     State      `json:"start"`
	End       State      `json:"end"`
	Steps     []Step     `json:"steps"`
	Decisions []Decision `json:"decisions,omitempty"`
	// General are findings about the journey as a whole.
	General []Finding `json:"general,omitempty"`
}

// Kinds of a Step.
const (
	StepGitLab     = "gitlab"     // install a GitLab package (and the Mattermost in it)
	StepPostgreSQL = "postgresql" // upgrade the PostgreSQL server
	StepExport     = "export"     // save what the package alone knows
	StepPrepare    = "prepare"    // build the standalone server beside the package and rehearse
	StepLeave      = "leave"      // switch from the package to the standalone server
	StepConnect    = "connect"    // GitLab's side: gitlab.rb, OAuth application, plugins
	StepAccounts   = "accounts"   // move people from GitLab login to e-mail login
	StepMattermost = "mattermost" // upgrade the standalone Mattermost
	StepRetire     = "retire"     // delete what the package left behind
)

// Step is one thing to do in one maintenance window, complete in itself: after
// each step the installation works (except where Mattermost is down between
// GitLab 19 and leaving, which the steps say), and the journey may stop there.
type Step struct {
	Number int    `json:"number"`
	ID     string `json:"id"` // kind and version: "gitlab-18.11.11"
	Kind   string `json:"kind"`
	Title  string `json:"title"`
	Why    string `json:"why"`
	From   State  `json:"from"`
	To     State  `json:"to"`

	Before   []Check   `json:"before"`             // must hold before it begins
	Commands []Command `json:"commands"`           // in order
	After    []Check   `json:"after"`              // must hold before the next step
	Carry    []Carried `json:"carry,omitempty"`    // settings to take along (prepare)
	Rollback []string  `json:"rollback"`           // the way back, in order
	Downtime []string  `json:"downtime,omitempty"` // what decides how long it takes

	Notes []Note `json:"notes,omitempty"` // rules that concern this installation, or may
	// Others are the rules on this hop that do not concern this installation,
	// and remarks of which nothing is known.
	Others   []Note    `json:"others,omitempty"`
	Findings []Finding `json:"findings,omitempty"` // of this step, beyond the rules
}

// Check is something to look at before or after a step.
type Check struct {
	What    string `json:"what"`
	Command string `json:"command,omitempty"`
	Expect  string `json:"expect,omitempty"`
}

// Command is something to do.
type Command struct {
	Where string `json:"where"` // "gitlab" (that server), "mattermost" (the standalone server) or "people"
	Kind  string `json:"kind"`  // "shell", "sql", "setting" (gitlab.rb), "text"
	Text  string `json:"text"`
	Why   string `json:"why,omitempty"`
}

// Note is a rule that lies on a hop.
type Note struct {
	*Rule
	// Applies is yes, or unknown (the empty text) when the facts do not tell;
	// among Step.Others also no.
	Applies Answer `json:"applies"`
}

// effective is the severity of a note in this plan: what may not concern the
// installation at all is at most a warning.
func (n Note) effective() string {
	if n.Applies != Yes && n.Severity == SeverityError {
		return SeverityWarning
	}
	return n.Severity
}

// Decision is a question that only the owner of the installation can answer.
type Decision struct {
	ID       string   `json:"id"` // as in Choices: "login", "leave", "route", "database"
	Question string   `json:"question"`
	Why      string   `json:"why"`
	Before   string   `json:"before"`  // id of the step that needs the answer
	Chosen   string   `json:"chosen"`  // "" while open
	Assumed  bool     `json:"assumed"` // Chosen is the safe default, nobody answered
	Options  []Option `json:"options"`
	// Open tells that the plan cannot go past Before without an answer. A
	// decision with a safe default is never open.
	Open bool `json:"open"`
}

// Option is one possible answer and what it leads to.
type Option struct {
	ID           string   `json:"id"`
	Title        string   `json:"title"`
	Consequences []string `json:"consequences"`
	Needs        []string `json:"needs,omitempty"`
}

// Findings returns everything the journey has to say as findings, in order:
// the general ones, then for each step its own and those of its rules, then
// one for each open decision.
func (j *Journey) Findings() []Finding {
	list := append([]Finding(nil), j.General...)
	for i := range j.Steps {
		s := &j.Steps[i]
		list = append(list, s.Findings...)
		for _, n := range s.Notes {
			list = append(list, Finding{ID: n.ID, Severity: n.effective(), Message: n.message(), Where: s.where(), Fix: n.Do})
		}
	}
	for _, d := range j.Decisions {
		if d.Open {
			list = append(list, Finding{ID: "decision." + d.ID, Severity: SeverityError, Message: d.Question,
				Where: "step " + d.Before, Fix: "answer " + d.ID + " with one of " + d.optionIDs()})
		}
	}
	return list
}

// lines are the rule's settings, statements and commands, each with a word for
// its kind.
func (n Note) lines() []string {
	var list []string
	for _, group := range []struct {
		kind  string
		texts []string
	}{{"set", n.Settings}, {"sql", n.SQL}, {"run", n.Commands}} {
		for _, text := range group.texts {
			list = append(list, group.kind+": "+text)
		}
	}
	return list
}

func (n Note) message() string {
	if n.Applies == "" && n.When != "" {
		return "if " + describe(n.When) + ": " + n.Breaks
	}
	return n.Breaks
}

// where names a step in a finding.
func (s *Step) where() string { return "step " + s.ID }

// state says in a few words how the decision stands.
func (d Decision) state() string {
	switch {
	case d.Open:
		return "OPEN"
	case d.Assumed:
		return "not answered, assumed: " + d.Chosen
	}
	return "answered: " + d.Chosen
}

func (d Decision) optionIDs() string {
	text := ""
	for i, o := range d.Options {
		if i > 0 {
			text += ", "
		}
		text += o.ID
	}
	return text
}

// Blockers are the findings of severity error: what fails or loses something
// unless it is dealt with first.
func (j *Journey) Blockers() []Finding {
	var list []Finding
	for _, f := range j.Findings() {
		if f.Severity == SeverityError {
			list = append(list, f)
		}
	}
	return list
}

// WithoutOthers returns a copy of the journey without Step.Others, for output
// that shows only what concerns the installation.
func (j *Journey) WithoutOthers() *Journey {
	c := *j
	c.Steps = append([]Step(nil), j.Steps...)
	for i := range c.Steps {
		c.Steps[i].Others = nil
	}
	return &c
}

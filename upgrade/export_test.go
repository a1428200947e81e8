package upgrade

import "unsafe"

// RulesBytes is what the embedded rules take in a binary.
func RulesBytes() int { return len(rulesText) }

// CheckCondition reports a malformed condition.
func CheckCondition(text string) error { return condition(text).check() }

// Holds evaluates a condition.
func Holds(text string, f Facts) Answer { return condition(text).holds(&f) }

// ParseRules parses the text of a rules file.
func ParseRules(text string) error {
	rules, err := parseRules(text)
	for i := range rules {
		if err == nil {
			_, err = rules[i].read()
		}
	}
	return err
}

// TableBytes is what the generated table takes in a binary.
func TableBytes() int {
	n := int(unsafe.Sizeof(gitlabTable) + unsafe.Sizeof(lineTable) + unsafe.Sizeof(mattermostTable) + unsafe.Sizeof(postgresTable) + unsafe.Sizeof(supportTable) + unsafe.Sizeof(floors))
	for _, s := range postgresTable {
		n += len(s)
	}
	return n
}

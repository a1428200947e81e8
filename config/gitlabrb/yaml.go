package gitlabrb

func (ev *evaluator) yamlMethod(n node, name string, args []value) (value, bool) {
	return ev.undecided(n, "YAML"), true
}

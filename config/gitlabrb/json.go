package gitlabrb

func (ev *evaluator) jsonMethod(n node, name string, args []value) (value, bool) {
	return ev.undecided(n, "JSON"), true
}

func (ev *evaluator) jsonOf(n node, v value) value { return ev.undecided(n, "to_json") }

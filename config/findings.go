package config

// findings adds the traps that the files step into.
func (r *resolver) findings() {
	var all []Finding
	for _, f := range r.result.Findings {
		all = append(all, fromRB(f))
	}
	r.out.Findings = append(all, r.out.Findings...)
}

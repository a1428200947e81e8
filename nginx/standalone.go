package nginx

// standalone is this package's own layout, for a host without GitLab.
func (s *Site) standalone(target Target) []*Directive { return nil }

package gitlabrb

// Quote writes a string as a Ruby literal: in single quotes where the text is
// printable and has neither quote nor backslash, else in double quotes with
// escapes. Any bytes come back as they are.
func Quote(s string) string { return inspectString(s) }

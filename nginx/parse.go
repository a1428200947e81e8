package nginx

import "fmt"

// Limits of the reader: far above any real configuration, low enough that a
// hostile file cannot exhaust memory.
const (
	maxFile       = 4 << 20
	maxDepth      = 32
	maxDirectives = 100_000
)

// Parse reads configuration text. Comments are dropped, includes are kept as
// directives (see Load for following them). The error is a *SyntaxError with
// the line, and says what nginx would say.
//
// Limits: 4 MiB, blocks 32 deep, 100,000 directives, parameters of 4,096 bytes.
func Parse(file string, src []byte) ([]*Directive, error) {
	if len(src) > maxFile {
		return nil, &SyntaxError{File: file, Line: 1, Message: fmt.Sprintf("larger than %d bytes", maxFile)}
	}
	p := &parser{lexer: lexer{file: file, src: src, line: 1}}
	list, err := p.block(0, 0)
	if err != nil {
		return nil, err
	}
	return list, nil
}

type parser struct {
	lexer
	count int
}

// block reads statements up to the end of the block that opened on line.
func (p *parser) block(depth, opened int) ([]*Directive, error) {
	if depth > maxDepth {
		return nil, p.errorf(p.line, "blocks are nested deeper than %d", maxDepth)
	}
	list := []*Directive{}
	for {
		words, kind, err := p.next()
		if err != nil {
			return nil, err
		}
		switch kind {
		case endFile:
			if depth > 0 {
				return nil, p.errorf(p.line, "unexpected end of file, expecting \"}\" for the block of line %d", opened)
			}
			return list, nil
		case endClose:
			if depth == 0 {
				return nil, p.errorf(p.line, "unexpected \"}\"")
			}
			return list, nil
		}
		if p.count++; p.count > maxDirectives {
			return nil, p.errorf(p.line, "more than %d directives", maxDirectives)
		}
		dir := &Directive{Name: words[0].text, File: p.file, Line: words[0].line}
		for _, w := range words[1:] {
			dir.Args = append(dir.Args, w.text)
		}
		if kind == endOpen {
			dir.HasBlock = true
			if dir.Block, err = p.block(depth+1, dir.Line); err != nil {
				return nil, err
			}
		}
		list = append(list, dir)
	}
}

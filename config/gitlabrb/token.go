package gitlabrb

// kind is the kind of a token. The names follow Ruby's own grammar where the
// same character means different things.
type kind uint8

const (
	tEOF kind = iota
	tNewline
	tSemicolon
	tIdent    // foo
	tMethodID // foo? foo!
	tConstant // Foo
	tIvar     // @foo
	tCvar     // @@foo
	tGvar     // $foo
	tLabel    // foo: as a hash key
	tInt
	tFloat
	tRational   // 1r, 2i: parsed, never evaluated
	tString     // opening delimiter of any string
	tXString    // ` or %x(
	tRegexp     // / or %r(
	tWords      // %w( %W(
	tSymbols    // %i( %I(
	tSymbol     // :foo
	tDSymbol    // :" or %s(
	tHeredoc    // <<~TAG, the whole tag
	tChar       // ?a
	tKeyword    // see token.kw
	tLParen     // ( where a value may start
	tLParenCall // ( directly after a method name
	tLParenArg  // ( after a method name and a space
	tRParen
	tLBrack // [ where a value may start
	tIndex  // [ directly after a value
	tRBrack
	tLBrace     // { of a hash
	tBlockBrace // { of a block
	tRBrace
	tComma
	tDot
	tSafeDot // &.
	tColon2  // ::
	tColon3  // :: where a value may start
	tColon
	tQuestion
	tAssign
	tOpAssign // text is the operator without =
	tArrow    // =>
	tLambda   // ->
	tBang
	tTilde
	tUPlus
	tUMinus
	tUMinusNum // - directly before a number
	tSplat     // * before an argument
	tDSplat    // ** before an argument
	tAmper     // & before an argument
	tBinary    // any other binary operator; see token.text
	tPipe      // |
	tBDot      // .. or ... where a value may start
	tDot2      // .. or ...
)

// keyword numbers Ruby's reserved words.
type keyword uint8

const (
	kwNone keyword = iota
	kwAlias
	kwAnd
	kwBegin
	kwBEGIN
	kwBreak
	kwCase
	kwClass
	kwDef
	kwDefined
	kwDo
	kwElse
	kwElsif
	kwEnd
	kwEND
	kwEnsure
	kwFalse
	kwFor
	kwIf
	kwIfMod
	kwIn
	kwModule
	kwNext
	kwNil
	kwNot
	kwOr
	kwRedo
	kwRescue
	kwRescueMod
	kwRetry
	kwReturn
	kwSelf
	kwSuper
	kwThen
	kwTrue
	kwUndef
	kwUnless
	kwUnlessMod
	kwUntil
	kwUntilMod
	kwWhen
	kwWhile
	kwWhileMod
	kwYield
	kwEncoding
	kwFile
	kwLine
)

// lookupKeyword returns a reserved word, the state the lexer is in after it,
// and its form as a modifier (the word itself where it has none).
func lookupKeyword(s string) (word keyword, after state, modifier keyword) {
	switch s {
	case "alias":
		return kwAlias, sFname | sFitem, kwAlias
	case "and":
		return kwAnd, sBeg, kwAnd
	case "begin":
		return kwBegin, sBeg, kwBegin
	case "BEGIN":
		return kwBEGIN, sEnd, kwBEGIN
	case "break":
		return kwBreak, sMid, kwBreak
	case "case":
		return kwCase, sBeg, kwCase
	case "class":
		return kwClass, sClass, kwClass
	case "def":
		return kwDef, sFname, kwDef
	case "defined?":
		return kwDefined, sArg, kwDefined
	case "do":
		return kwDo, sBeg, kwDo
	case "else":
		return kwElse, sBeg, kwElse
	case "elsif":
		return kwElsif, sBeg, kwElsif
	case "end":
		return kwEnd, sEnd, kwEnd
	case "END":
		return kwEND, sEnd, kwEND
	case "ensure":
		return kwEnsure, sBeg, kwEnsure
	case "false":
		return kwFalse, sEnd, kwFalse
	case "for":
		return kwFor, sBeg, kwFor
	case "if":
		return kwIf, sBeg, kwIfMod
	case "in":
		return kwIn, sBeg, kwIn
	case "module":
		return kwModule, sBeg, kwModule
	case "next":
		return kwNext, sMid, kwNext
	case "nil":
		return kwNil, sEnd, kwNil
	case "not":
		return kwNot, sArg, kwNot
	case "or":
		return kwOr, sBeg, kwOr
	case "redo":
		return kwRedo, sEnd, kwRedo
	case "rescue":
		return kwRescue, sMid, kwRescueMod
	case "retry":
		return kwRetry, sEnd, kwRetry
	case "return":
		return kwReturn, sMid, kwReturn
	case "self":
		return kwSelf, sEnd, kwSelf
	case "super":
		return kwSuper, sArg, kwSuper
	case "then":
		return kwThen, sBeg, kwThen
	case "true":
		return kwTrue, sEnd, kwTrue
	case "undef":
		return kwUndef, sFname | sFitem, kwUndef
	case "unless":
		return kwUnless, sBeg, kwUnlessMod
	case "until":
		return kwUntil, sBeg, kwUntilMod
	case "when":
		return kwWhen, sBeg, kwWhen
	case "while":
		return kwWhile, sBeg, kwWhileMod
	case "yield":
		return kwYield, sArg, kwYield
	case "__ENCODING__":
		return kwEncoding, sEnd, kwEncoding
	case "__FILE__":
		return kwFile, sEnd, kwFile
	case "__LINE__":
		return kwLine, sEnd, kwLine
	}
	return kwNone, 0, kwNone
}

// state says what the lexer expects next; it decides what an ambiguous
// character is. The names and the rules are those of Ruby's lexer.
type state uint16

const (
	sBeg     state = 1 << iota // a value may start
	sEnd                       // a value just ended
	sEndArg                    // a value in parentheses after a space ended
	sEndFn                     // the parameters of a method ended
	sArg                       // a method name: an argument may start
	sCmdArg                    // the same at the start of a statement
	sMid                       // return, break, next, rescue
	sFname                     // a method name must follow
	sDot                       // after a dot
	sClass                     // after class
	sLabel                     // a label may follow
	sLabeled                   // just after a label
	sFitem                     // a symbol may be a method name

	sBegAny = sBeg | sMid | sClass
	sArgAny = sArg | sCmdArg
	sEndAny = sEnd | sEndArg | sEndFn
)

// token is one token. Bytes [from,to) of the source are its text.
type token struct {
	kind     kind
	kw       keyword
	spaced   bool // white space stands before it
	term     byte // closing delimiter of a string
	open     byte // opening delimiter if it nests, else 0
	interp   bool // the string interpolates
	label    bool // the string may turn out to be a hash key
	from, to int
	text     string // name or operator
}

package keyword

import (
	"bytes"
	"strings"

	"mailarchive/internal/catalog/token"
)

// formulas are beginnings of lines, folded, by their first byte.
type formulas [256][]string

// makeFormulas reads formulas apart by commas. One that ends with "*" may end
// within a word.
func makeFormulas(text string) *formulas {
	var f formulas
	for part := range strings.SplitSeq(text, ",") {
		folded := strings.Join(token.Words(part), " ")
		if !strings.HasSuffix(part, "*") {
			folded += " "
		}
		f[folded[0]] = append(f[folded[0]], folded)
	}
	return &f
}

// greetings begin a letter. They are never changed.
var greetings = makeFormulas("sehr geehrte,sehr geehrter,guten tag,guten morgen,guten abend,hallo,liebe,lieber,liebes,moin,servus," +
	"dear,hi,hello,hey,good morning,good afternoon,bonjour,chère,cher,chers,chères,madame,bonsoir," +
	"hola,estimado,estimada,ciao,gentile,buongiorno,geachte,hej,dzień dobry,szanowny,szanowna," +
	"добрый день,здравствуйте,αγαπητή,αγαπητέ,שלום")

// closings end a letter. They are never changed.
var closings = makeFormulas("mit freundlich*,mit besten,mit herzlich*,mit kollegial*,freundliche grüße,viele grüße,liebe grüße,beste grüße," +
	"herzliche grüße,schöne grüße,gruß,grüße,mfg,vg,lg,hochachtungsvoll,im auftrag,besten dank,vielen dank,danke," +
	"best regards,best wishes,all the best,kind regards,kindest regards,regards,warm regards,with kind,with best,sincerely,yours,cheers," +
	"thanks,thank you,many thanks,rgds,thx,cordialement,bien cordialement,bien à vous,salutations,merci,amicalement,sincères salutations," +
	"meilleures salutations,saludos,un saludo,atentamente,cordiali saluti,saluti,distinti saluti,met vriendelijke,groeten,groet," +
	"pozdrawiam,z poważaniem,hilsen,hälsningar,med vänlig*,mvh,с уважением,με εκτίμηση,בברכה")

// cutGreeting returns what stands behind the greeting that a line begins with.
// start is the line's foldStart.
func cutGreeting(line string, start []byte) (string, bool) {
	if !greetings.begin(start) {
		return line, false
	}
	// "Hi Lars, the pump ..." goes on behind the comma.
	if i := strings.IndexByte(line, ','); i >= 0 && i < 60 && len(line) > 80 {
		return strings.TrimSpace(line[i+1:]), true
	}
	words := strings.Count(line, " ") + 1
	if words <= 4 || len(line) <= 80 && strings.HasSuffix(line, ",") || len(line) <= 40 && strings.HasSuffix(line, "!") {
		return "", true
	}
	return line, false
}

// isClosing reports whether a line is a closing formula and no more.
// start is the line's foldStart.
func isClosing(line string, start []byte) bool {
	return len(line) <= 60 && closings.begin(start) && strings.Count(line, " ") < 5
}

// foldStart appends the folded words that a line begins with to dst.
func foldStart(dst []byte, line string) []byte {
	return token.AppendText(dst, line[:min(len(line), 32)])
}

// begin reports whether one of the formulas stands at the beginning of folded
// words.
func (f *formulas) begin(start []byte) bool {
	if len(start) == 0 {
		return false
	}
	for _, formula := range f[start[0]] {
		if bytes.HasPrefix(start, []byte(formula)) {
			return true
		}
	}
	return false
}

package keyword

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ownWords returns the lines that a text's author wrote.
func ownWords(text string) []string {
	r := reader{rest: text}
	var lines []string
	for {
		line, more := r.next()
		if line != "" {
			lines = append(lines, line)
		}
		if !more {
			return lines
		}
	}
}

func TestOwnWords(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"empty", "", nil},
		{"plain", "The pump leaks.\r\n\r\nSend a seal.\r\n", []string{"The pump leaks.", "Send a seal."}},
		{"quoted", "> Does it leak?\nIt leaks.\n>> Where?\n| Where?", []string{"It leaks."}},

		{"wrote, quoted, own below", "On 13 May 2026 at 09:15, Tom Kay wrote:\n> Does it leak?\nIt does.", []string{"It does."}},
		{"wrote, unquoted", "It does.\n\nOn Mon, 3 May 2026, Tom <tom@kay.example> wrote:\n\nDoes it leak?\nPlease answer.", []string{"It does."}},
		{"wrote in two lines", "It does.\nOn Mon, 3 May 2026 at 10:00 Tom Kay of the\nKay pump works <tom@kay.example> wrote:\n> Leak?\nYes.", []string{"It does.", "Yes."}},
		{"schrieb", "Das geht.\n\nAm 12.06.2026 um 07:48 schrieb Karl Möller:\n\nGeht das?", []string{"Das geht."}},
		{"a écrit", "Oui.\nLe 19/08/2026 à 11:00, Deniz a écrit :\nPossible ?", []string{"Oui."}},
		{"name wrote", "Tom Kay <tom@kay.example> writes:\n> Leak?\nYes, it leaks.", []string{"Yes, it leaks."}},
		{"no introduction", "On Monday Tom wrote a letter.\nIn 2026 we wrote it again.", []string{"On Monday Tom wrote a letter.", "In 2026 we wrote it again."}},

		{"original message", "Paid.\n-----Original Message-----\nFrom: Tom\nInvoice.", []string{"Paid."}},
		{"ursprüngliche Nachricht", "Bezahlt.\n\n-----Ursprüngliche Nachricht-----\nVon: Tom\nRechnung.", []string{"Bezahlt."}},
		{"message d'origine", "Payé.\n-----Message d'origine-----\nDe : Tom\nFacture.", []string{"Payé."}},
		{"outlook's line", "Paid.\n________________________________\nFrom: Tom\nInvoice.", []string{"Paid."}},
		{"list's footer", "Paid.\n_______________________________________________\nPumps mailing list\nPumps@kay.example", []string{"Paid."}},
		{"ornament", "Pumps\n____________________________\nThe seals are here.", []string{"Pumps", "The seals are here."}},
		{"header block", "Bezahlt.\n\nVon: Tom Kay <tom@kay.example>\nGesendet: Montag, 4. Mai 2026 09:12\nAn: Lars\nBetreff: Rechnung\n\nBitte zahlen.", []string{"Bezahlt."}},
		{"header block in bold", "Paid.\n*From:* Tom\n*Sent:* Monday\n*Subject:* Invoice\nPay!", []string{"Paid."}},
		{"no header block", "From: the harbour. It goes on.\nThe ship is late.", []string{"The ship is late."}},
		{"list with dashes", "---- pumps ----\nNW-180", []string{"---- pumps ----", "NW-180"}},
		{"forwarded", "Look at this.\n\n---------- Forwarded message ---------\nFrom: Tom <tom@kay.example>\nDate: Mon, 4 May 2026\nSubject: Leak\nTo: Lars\n\nThe pump leaks.",
			[]string{"Look at this.", "Subject: Leak", "The pump leaks."}},

		{"signature", "The pump leaks.\n\n-- \nTom Kay\nHead of Pumps, who has long lines in his signature, as some people still do\n", []string{"The pump leaks."}},
		{"text again behind a signature", "It leaks.\n-- \nTom\n\nDear Lars,\n\nIt leaks.", []string{"It leaks.", "It leaks."}},
		{"closing", "It leaks.\n\nKind regards\n\nTom Kay\n\nHead of Pumps\nKay Works, Hull", []string{"It leaks."}},
		{"closing with a comma", "Es tropft.\n\nMit freundlichen kollegialen Grüßen,\nTom Kay\nPumpen GmbH", []string{"Es tropft."}},
		{"prose behind thanks", "Thanks!\nThe pump that you sent on Monday works well again and has not leaked since.", []string{"The pump that you sent on Monday works well again and has not leaked since."}},
		{"thanks in a sentence", "Thank you for the pump that you sent us last week.", []string{"Thank you for the pump that you sent us last week."}},
		{"name alone", "Der Urlaub beginnt im August.\n\nFelix\n\nFelix Krüger\nVertriebsinnendienst, Zimmer 4", []string{"Der Urlaub beginnt im August."}},
		{"heading first", "Budget\n\nThe draft is attached.", []string{"Budget", "The draft is attached."}},
		{"telephone", "It leaks.\nInes Santos, Tel. -330\n+49 40 66969-414 · tom@kay.example · www.kay.example", []string{"It leaks."}},

		{"greeting", "Dear Mr Kowalczyk,\nit leaks.", []string{"it leaks."}},
		{"greetings", "Sehr geehrte Damen und Herren,\n\nes tropft.\n\nHallo zusammen!\nEs tropft noch.", []string{"es tropft.", "Es tropft noch."}},
		{"greeting and text", "Hi Lars, the cutaway pump was the star of the fair, and three people asked whether they could buy it.",
			[]string{"the cutaway pump was the star of the fair, and three people asked whether they could buy it."}},
		{"no greeting", "Hinweis zum Liefertermin: es bleibt dabei, wie am Montag besprochen.", []string{"Hinweis zum Liefertermin: es bleibt dabei, wie am Montag besprochen."}},

		{"patch", "Fix the leak.\n\nSigned-off-by: Tom <t@k.example>\n---\n drivers/pump.c | 2 +-\n\ndiff --git a/drivers/pump.c b/drivers/pump.c\n--- a/drivers/pump.c\n+++ b/drivers/pump.c\n@@ -1 +1 @@\n-leak()\n+seal()\n-- \n2.1\n",
			[]string{"Fix the leak.", "---", "pump.c"}},
		{"report", "Final-Recipient: rfc822; tom@kay.example\nDiagnostic-Code: smtp; 550 5.1.1\nNo such user.", []string{"No such user."}},
		{"calendar", "Come at ten.\n\nBEGIN:VCALENDAR\nSUMMARY:Meeting\nEND:VCALENDAR\nBring the pump.", []string{"Come at ten.", "Bring the pump."}},
		{"person and address", "Amara Okafor a.okafor@nordwind.example\nThe pump leaks.", []string{"The pump leaks."}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, ownWords(test.text)); diff != "" {
				t.Errorf("own lines of %q (-want +got):\n%s", test.text, diff)
			}
		})
	}
}

func TestDisclaimers(t *testing.T) {
	const own = "Die Kreiselpumpe tropft.\n\n"
	for _, disclaimer := range []string{
		"Diese E-Mail enthält vertrauliche Informationen. Sind Sie nicht der\nrichtige Adressat, informieren Sie bitte den Absender und löschen Sie\ndiese Nachricht samt Zebra.",
		"This e-mail contains confidential information. If you are not the intended recipient, inform the sender and delete it, zebra.",
		"Ce message est confidentiel. Si vous n'êtes pas le destinataire, veuillez avertir l'expéditeur et le supprimer, zebra.",
	} {
		terms := termsOf(Candidates("", own+disclaimer))
		if strings.Contains(terms, "zebra") || !strings.Contains(terms, "kreiselpumpe") {
			t.Errorf("candidates with disclaimer %q: %s", disclaimer, terms)
		}
	}
	text := "The sender of the zebra gave a confidential hint.\n\nThe recipient ate a giraffe."
	if terms := termsOf(Candidates("", text)); !strings.Contains(terms, "zebra") || !strings.Contains(terms, "giraffe") {
		t.Errorf("text that is no disclaimer lost its words: %s", terms)
	}
}

// termsOf joins the terms of candidates.
func termsOf(candidates []Candidate) string {
	var terms []string
	for _, c := range candidates {
		terms = append(terms, c.Term)
	}
	return strings.Join(terms, ", ")
}

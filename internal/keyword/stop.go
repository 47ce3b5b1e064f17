package keyword

import (
	_ "embed"
	"strings"

	"mailarchive/internal/catalog/token"
)

// language tells where a stop word comes from.
type language uint8

const (
	english language = 1 << iota
	german
	french
	anywhere // calendar, mail's own words, other languages
)

//go:embed stop/english.txt
var englishWords string

//go:embed stop/german.txt
var germanWords string

//go:embed stop/french.txt
var frenchWords string

//go:embed stop/mail.txt
var mailWords string

//go:embed stop/others.txt
var otherWords string

// stops are the words that are no keywords, folded. It is never changed.
var stops = makeStops()

func makeStops() map[string]language {
	all := make(map[string]language, 4096)
	for _, list := range []struct {
		language language
		words    string
	}{
		{english, englishWords}, {german, germanWords}, {french, frenchWords},
		{anywhere, mailWords}, {anywhere, otherWords},
	} {
		for word := range strings.FieldsSeq(list.words) {
			all[strings.Join(token.Words(word), " ")] |= list.language
		}
	}
	return all
}

// telling are the words that disclaimers are made of. A paragraph with several
// is one, if one of them is heavy. It is never changed.
var telling = makeTelling()

const heavy = 1 << 7

func makeTelling() map[string]uint8 {
	all := make(map[string]uint8)
	for i, list := range []string{
		"confidential confidentiality privileged vertraulich vertrauliche vertraulichen confidentiel confidentiels confidentielle confidentielles confidencial riservate",
		"recipient recipients addressee adressat empfänger destinataire destinataires destinatario",
		"intended bestimmt beabsichtigte befugte adressée",
		"sender absender expéditeur originator",
		"delete destroy löschen löschung vernichten supprimer détruire",
		"disclose disclosure copying dissemination distribution unauthorized unauthorised prohibited unbefugte unbefugter weitergabe untersagt gestattet interdite diffusion",
		"error irrtümlich irrtum erreur",
	} {
		for word := range strings.FieldsSeq(list) {
			bit := uint8(1) << i
			if i < 3 {
				bit |= heavy
			}
			all[strings.Join(token.Words(word), " ")] = bit
		}
	}
	return all
}

package extract

import "testing"

func TestParams(t *testing.T) {
	tests := []struct{ name, field, head, param, want string }{
		{"plain", "text/plain; charset=utf-8", "text/plain", "charset", "utf-8"},
		{"quoted", `text/plain; name="a; b.txt"`, "text/plain", "name", "a; b.txt"},
		{"case", `Text/Plain; NAME=A`, "text/plain", "name", "A"},
		{"missing", "text/plain", "text/plain", "name", ""},
		{"comments", "text/plain (really); (c) name=a.txt (d)", "text/plain", "name", "a.txt"},
		{"quote not closed", `a/b; name="a.txt`, "a/b", "name", "a.txt"},
		{"spaces not quoted", `a/b; name=my file.txt; x=y`, "a/b", "name", "my file.txt"},
		{"spaces around", `a/b ; name = "a.txt" ; x=y`, "a/b", "name", "a.txt"},
		{"Windows path", `attachment; filename="C:\temp\new.txt"`, "attachment", "filename", `C:\temp\new.txt`},
		{"escaped quote", `attachment; filename="a\"b.txt"`, "attachment", "filename", `a"b.txt`},
		{"first of two", "a/b; name=x; name=y", "a/b", "name", "x"},
		{"extended", "attachment; filename*=utf-8'de'Gr%C3%B6%C3%9Fe.pdf", "attachment", "filename", "Größe.pdf"},
		{"extended wins", "attachment; filename=Grosse.pdf; filename*=utf-8''Gr%C3%B6%C3%9Fe.pdf", "attachment", "filename", "Größe.pdf"},
		{"continued", `attachment; filename*0="a b"; filename*1=c.pdf`, "attachment", "filename", "a bc.pdf"},
		{"continued, out of order", "attachment; filename*1=c.pdf; filename*0=ab", "attachment", "filename", "abc.pdf"},
		{"character split", "attachment; filename*0*=utf-8''Gr%C3; filename*1*=%B6.pdf", "attachment", "filename", "Grö.pdf"},
		{"continued, half encoded", "attachment; filename*0*=iso-8859-1''Gr%F6; filename*1=e%20.pdf", "attachment", "filename", "Gröe%20.pdf"},
		{"encoded word in quotes", `attachment; filename="=?utf-8?B?R3LDtsOfZS5wZGY=?="`, "attachment", "filename", "Größe.pdf"},
		{"raw bytes", "attachment; filename=\"Gr\xf6\xdfe.pdf\"", "attachment", "filename", "Größe.pdf"},
		{"no quotes around charset", "attachment; filename*=abc.pdf", "attachment", "filename", "abc.pdf"},
		{"only semicolons", "a/b;;;;name=x;", "a/b", "name", "x"},
		{"equals in value", "a/b; name=a=b", "a/b", "name", "a=b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			head, ps := parseParams([]byte(tt.field))
			if got := ps.text(tt.param, ""); head != tt.head || got != tt.want {
				t.Errorf("%q: head %q, %s %q; want %q, %q", tt.field, head, tt.param, got, tt.head, tt.want)
			}
		})
	}
}

package web

// LanguageFile is the file of a language, for tests from outside.
func LanguageFile(tag string) []byte {
	content, err := languageFiles.ReadFile("lang/" + tag + ".json")
	if err != nil {
		panic(err)
	}
	return content
}

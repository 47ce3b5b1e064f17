package export

// emlFolder writes ID.eml files.
type emlFolder struct{ *filer }

func (f emlFolder) put(m *Message, s *staged) (place, error) {
	name := m.ID.String() + ".eml"
	there, err := f.filer.put(s, name+".tmp", name)
	return place{file: name, there: there}, err
}

package app

// SettingNames returns the settings and their defaults.
func SettingNames() [][2]string {
	var names [][2]string
	for _, one := range settings {
		names = append(names, [2]string{one.name, one.value})
	}
	return names
}

package story

import "strings"

// attachments takes the files in txtar form off the end of the text. It gives
// the text above them and the line of each file's marker.
func (p *parser) attachments(text string) (body string, first map[string]int) {
	first = map[string]int{}
	number, offset, start := 0, 0, -1 // start: of the current attachment's data
	body = text
	end := func(at int) {
		if start >= 0 {
			p.story.Files[len(p.story.Files)-1].Data = ended(text[start:at])
		}
	}
	for line := range strings.Lines(text) {
		number++
		if name, ok := marker(line); ok {
			if len(first) == 0 {
				body = text[:offset]
			}
			end(offset)
			start = offset + len(line)
			p.attach(name, number, first)
		}
		offset += len(line)
	}
	end(offset)
	return body, first
}

func (p *parser) attach(name string, number int, first map[string]int) {
	if _, twice := first[name]; twice {
		p.fail(number, "the attachment %s is there already", name)
	}
	if !isFileName(name) {
		p.fail(number, "an attachment has a plain file name, not %q", name)
	}
	first[name] = number
	p.story.Files = append(p.story.Files, File{Name: name})
}

func ended(data string) string {
	if data == "" || strings.HasSuffix(data, "\n") {
		return data
	}
	return data + "\n"
}

// marker reads a line of the form "-- NAME --".
func marker(line string) (name string, ok bool) {
	line = strings.TrimRight(line, " \t\r\n")
	name, ok = strings.CutPrefix(line, "-- ")
	if !ok {
		return "", false
	}
	name, ok = strings.CutSuffix(name, " --")
	return strings.TrimSpace(name), ok && strings.TrimSpace(name) != ""
}

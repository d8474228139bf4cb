-- The one filter of both engines: it reads the staged `report.md` and turns it into the page's HTML or the PDF's Typst, block
-- by block, so that nothing depends on what an engine makes of Markdown, figures, tables and headings. It reads `edition.yml`
-- and `_brand.yml` as well and gives both to the templates.

local typst = FORMAT:match("typst") ~= nil
local TO = typst and "typst" or "html5"
local WRITER = typst and "typst-smart" or "html5" -- our quotation marks stand as they are: Typst would guess which one is meant
local NNBSP = "\u{202f}"
local KINDS = { fig = "Figure", tbl = "Table" }

-- Quarto replaces `error` by a message and goes on, so the filter ends the render itself.
local function fail(message)
  io.stderr:write("alliances: " .. message .. "\n")
  os.exit(83)
end

-- ---------------------------------------------------------------- small things

local text_of = pandoc.utils.stringify
local options = pandoc.WriterOptions({ wrap_text = "none" })

-- A call of the writer costs more than what it writes: pieces are written all at once, at the end. Until then each is a
-- token, which `whole` replaces.
local pieces_to_write, count = pandoc.Blocks({}), 0

local function written(list)
  if #list == 0 then return "" end
  count = count + 1
  local token = "\1" .. count .. "\2"
  pieces_to_write:insert(pandoc.RawBlock(TO, token))
  pieces_to_write:extend(list)
  return token
end

-- No line of the PDF ends in a range, or between it and the sign before it; the page has a style for that.
local function unbroken(text)
  local signed = text:gsub("\\%$", "\3"):gsub("€", "\4"):gsub("£", "\5")
  signed = signed:gsub("[\3-\5]?%d[%d.,]*–[\3-\5]?%d[%d.,]*%%?", function(range)
    local bare, stop = range:match("^(.-)([.,]*)$")
    return "#unbroken[" .. bare .. "];" .. stop
  end)
  return (signed:gsub("\3", "\\$"):gsub("\4", "€"):gsub("\5", "£"))
end

local function whole(text)
  local pieces, all = {}, pandoc.write(pandoc.Pandoc(pieces_to_write), WRITER, options)
  for n, piece in (typst and unbroken(all) or all):gmatch("\1(%d+)\2%s*([^\1]*)") do
    pieces[n] = piece:gsub("%s+$", "")
  end
  return (text:gsub("\1(%d+)\2", pieces))
end

local function inline(list) return written({ pandoc.Plain(list) }) end

local function html(text)
  return (text:gsub("&", "&amp;"):gsub("<", "&lt;"):gsub(">", "&gt;"):gsub('"', "&quot;"))
end

local function str(text) return '"' .. text:gsub("\\", "\\\\"):gsub('"', '\\"'):gsub("\n", " ") .. '"' end

-- `%1` … in a pattern of output are the arguments, in order; each format has its own pattern.
local function fill(pattern, ...)
  local values = { ... }
  return (pattern:gsub("%%(%d)", function(n) return values[tonumber(n)] or "" end))
end

local function has(element, class) return element.classes ~= nil and element.classes:includes(class) end

local function file(path)
  local handle = io.open(path, "rb")
  if not handle then return nil end
  local content = handle:read("a")
  handle:close()
  return content
end

-- No raw code, whatever a title or a name holds.
local function yaml(path)
  local content = file(path)
  if not content then fail(path .. " is missing beside the report") end
  return pandoc.read("---\n" .. content .. "\n---\n", "markdown-raw_html-raw_attribute-raw_tex-tex_math_dollars").meta
end

-- The spans of some inlines by their class, and what is left.
local function apart(inlines, ...)
  local found, rest = {}, pandoc.Inlines({})
  for _, item in ipairs(inlines) do
    local class
    for _, name in ipairs({ ... }) do
      if item.t == "Span" and has(item, name) then class = name end
    end
    if class then found[class] = item.content else rest:insert(item) end
  end
  while #rest > 0 and (rest[#rest].t == "Space" or rest[#rest].t == "SoftBreak") do rest:remove(#rest) end
  return found, rest
end

-- ---------------------------------------------------------------- what the whole document says

local edition = {}
local numbers, names, uses, headings = {}, {}, {}, {}
local shown = {} -- the entries that are printed
local printed = {} -- the anchors that what is printed leads to
local last_part = "" -- in the contents
local chapter, slots = 0, 0 -- Typst: where we are, for the plan of the side column

local function slot()
  slots = slots + 1
  return tostring(slots)
end

local function is_mark(link)
  return #link.content == 1 and link.content[1].t == "Superscript" and link.target:match("^#(ev%-.+)$")
end

local function survey(doc)
  local counts, here, evidence = { fig = 0, tbl = 0 }, nil, false
  local ids, targets, uncited = {}, {}, {}
  local function define(element)
    local id = element.identifier
    if element.t == "Div" and has(element, "contents-part") then last_part = text_of(element.content) end
    if id == "" then return end
    if ids[id] then fail("the anchor #" .. id .. " is given twice") end
    ids[id] = true
    local kind = id:match("^(%a+)%-")
    if element.t == "Div" and KINDS[kind] then
      counts[kind] = counts[kind] + 1
      numbers[id] = KINDS[kind] .. "\u{a0}" .. counts[kind]
    end
    if element.t == "Div" and has(element, "entry") then
      names[id] = element.attributes.name or ("Evidence " .. (element.attributes.mark or ""))
    end
  end
  for _, block in ipairs(doc.blocks) do
    if block.t == "Header" then
      if block.level < 3 and not has(block, "part") then here = { id = block.identifier, title = block.content } end
      evidence = evidence or has(block, "evidence-part")
      headings[#headings + 1] = block
    end
    local place = here
    local leads = printed
    if block.t == "Div" and has(block, "uncited") then
      leads = {}
      uncited[block.identifier] = leads
    end
    block:walk({
      Div = define,
      Span = define,
      Link = function(link)
        local target = link.target:match("^#(.+)$")
        if not target then return end
        targets[#targets + 1] = target
        leads[target] = true
        if is_mark(link) and place and not evidence then
          uses[target] = uses[target] or {}
          local last = uses[target][#uses[target]]
          if not last or last.id ~= place.id then table.insert(uses[target], place) end
        end
      end,
    })
    if block.t == "Header" or block.t == "Div" then define(block) end
  end
  -- The PDF leaves out what is not cited, but not what a printed sum or inference leads to.
  local function print_also(leads)
    for target in pairs(leads) do
      local further = uncited[target]
      uncited[target] = nil
      if further then
        for next_target in pairs(further) do printed[next_target] = true end
        print_also(further)
      end
    end
  end
  local first = {}
  for target in pairs(printed) do first[target] = true end
  print_also(first)
  for id in pairs(names) do shown[id] = not uncited[id] end
  for _, target in ipairs(targets) do
    if not ids[target] then fail("a link leads to #" .. target .. ", which does not exist") end
  end
end

-- ---------------------------------------------------------------- marks and references

-- A link without words to a figure or a table gets its number.
local function linked(link)
  local target = is_mark(link)
  if not target then
    local number = #link.content == 0 and numbers[link.target:sub(2)]
    return number and pandoc.Link({ pandoc.Str(number) }, link.target) or nil
  end
  local label = text_of(link.content)
  if typst then -- the entries of what “+n” stands for name its page as well
    local also = link.title:match("^also (.+)$") or ""
    return pandoc.RawInline("typst", fill("#mk(%1, %2, also: %3);", str(label), str(target), str(also)))
  end
  local name = names[target] or label
  if label:match("^%+") then name = label .. ", from " .. name end
  return pandoc.RawInline("html", fill('%5<sup class="ev"><a href="#%1" title="%2" aria-label="%3">%4</a></sup>',
    html(target), html(link.title), html(name), html(label), NNBSP))
end

-- ---------------------------------------------------------------- figures

-- Ids inside an SVG (clips, gradients) are unique only in their own file; to a screen reader the chart is one image.
local function inline_svg(path, alt, class)
  local svg = file(path)
  if not svg then return nil end
  local prefix = path:match("([^/]+)%.svg$") .. "-"
  svg = svg:gsub("^.-(<svg)", "%1", 1):gsub("%s+$", ""):gsub('(%sid=")', "%1" .. prefix)
    :gsub("(url%(['\"]?#)", "%1" .. prefix):gsub('(href="#)', "%1" .. prefix):gsub("xlink:href=", "href=")
  local opening = svg:match("^<svg[^>]*>")
  local kept = opening:sub(5, -2):gsub('%s[%w:]*xmlns[:%w]*="[^"]*"', ""):gsub('%sclass="[^"]*"', "")
  kept = (kept .. svg:sub(#opening)):gsub('%srole="[^"]*"', ""):gsub('%saria%-%a+="[^"]*"', "")
  return fill('<svg class="%1" role="img" aria-label="%2"', class, html(alt)) .. kept
end

local function caption_of(inlines)
  local found, rest = apart(inlines, "note", "source")
  local parts = { inline(rest) }
  for _, class in ipairs({ "note", "source" }) do
    if found[class] then
      local pattern = typst and "#capline[%2]" or '<span class="%1">%2</span>'
      parts[#parts + 1] = fill(pattern, class, inline(found[class]))
    end
  end
  return table.concat(parts, " ")
end

-- What the script makes work; its room is kept without it.
local function tools(id, number)
  local out = {}
  for _, kind in ipairs({ "svg", "png", "csv" }) do
    if kind == "svg" or file(kind == "png" and "vega/" .. id .. ".json" or "figures/" .. id .. ".csv") then
      out[#out + 1] = fill('<button type="button" data-save="%1" aria-label="Download %2 as %3">%3</button>', kind, number,
        kind:upper())
    end
  end
  local data = #out > 1 and fill('<details class="data"><summary>Data<span class="unseen"> of %1</span></summary></details>',
    number) or ""
  return '<div class="tools">' .. table.concat(out) .. data .. "</div>"
end

local function figure(div)
  local found, image, caption = {}, nil, nil
  div:walk({ Image = function(element) image = element end })
  for _, block in ipairs(div.content) do
    local spans, rest = apart(block.content or {}, "headline", "subtitle")
    for class, inlines in pairs(spans) do found[class] = inline(inlines) end
    if block.t == "Para" and #rest > 0 and rest[1].t ~= "Image" then caption = rest end
  end
  local id = div.identifier
  local alt = image and image.attributes.alt or ""
  if alt == "" then fail("the figure " .. id .. " has no picture or no alternative text") end
  if not typst and not file(image.src) then fail("the picture " .. image.src .. " does not exist") end
  local width = has(div, "w47") and "47" or has(div, "w166") and "166" or "112"
  caption = caption and caption_of(caption) or ""
  if typst then
    return fill("#fig(%1, %2, alt: %3, width: %4mm, headline: [%5], subtitle: [%6], number: %8, at: (%9))[%7]", str(id),
      str(image.src), str(alt), width, found.headline or "", found.subtitle or "", caption, str(numbers[id]), chapter .. ", " .. slot())
  end
  local narrow = inline_svg(image.src:gsub("%.svg$", "-narrow.svg"), alt, "chart narrow")
  local drawn = inline_svg(image.src, alt, narrow and "chart wide" or "chart")
  local parts = { fill('<figure id="%1" class="fig w%2">', id, width) }
  for _, class in ipairs({ "headline", "subtitle" }) do
    if found[class] then parts[#parts + 1] = fill('<p class="%1">%2</p>', class, found[class]) end
  end
  parts[#parts + 1] = fill('<div class="drawing" data-figure="%1">%2</div>', id, drawn .. (narrow or ""))
  parts[#parts + 1] = fill('<figcaption><span class="label">%1.</span> %2</figcaption>', numbers[id], caption)
  parts[#parts + 1] = tools(id, numbers[id])
  parts[#parts + 1] = "</figure>"
  return table.concat(parts, "\n")
end

-- ---------------------------------------------------------------- tables

local function cell_text(cell) return text_of(cell.contents) end

local function rows_of(block)
  local rows = {}
  for _, body in ipairs(block.bodies) do
    for _, row in ipairs(body.body) do rows[#rows + 1] = row end
  end
  return rows
end

-- A row whose first cell alone is filled heads a group.
local function is_group(row)
  for index, cell in ipairs(row.cells) do
    if (index == 1) == (cell_text(cell) == "") then return false end
  end
  return #row.cells > 1
end

local function longest(block, column)
  local most = 0
  for _, row in ipairs(rows_of(block)) do
    if not is_group(row) then
      most = math.max(most, utf8.len((cell_text(row.cells[column]):gsub("%s+[%u=ir]%d+", ""))) or 0)
    end
  end
  for _, row in ipairs(block.head.rows) do most = math.max(most, utf8.len(cell_text(row.cells[column])) or 0) end
  return most
end

local function typst_table(block, id, caption)
  local columns, aligns, total = {}, {}, 0
  for index, spec in ipairs(block.colspecs) do
    local most = longest(block, index)
    total = total + most + 3
    columns[index] = most <= 16 and "auto" or fill("%1fr", tostring(math.floor(10 * math.sqrt(math.min(most, 90)))))
    aligns[index] = spec[1] == "AlignRight" and "right" or spec[1] == "AlignCenter" and "center" or "left"
  end
  local out = {}
  local function cells(row, pattern)
    local parts = {}
    for index, cell in ipairs(row.cells) do parts[index] = fill(pattern, written(cell.contents)) end
    return table.concat(parts, ", ")
  end
  for _, row in ipairs(block.head.rows) do out[#out + 1] = "table.header(" .. cells(row, "[%1]") .. ")" end
  for _, row in ipairs(rows_of(block)) do
    if is_group(row) then
      out[#out + 1] = fill("table.header(level: 2, group-cell(%1)[%2])", tostring(#row.cells), written(row.cells[1].contents))
    else
      out[#out + 1] = cells(row, "[%1]")
    end
  end
  return fill("#tbl(%1, number: %2, wide: %3, cols: (%4,), aligned: (%5,), caption: [%6], at: (%8), long: %9, %7)", str(id),
    str(numbers[id] or ""), total > 60 and "true" or "false", table.concat(columns, ", "), table.concat(aligns, ", "),
    caption, table.concat(out, ", "), chapter .. ", " .. slot(), tostring(#rows_of(block) > 14))
end

local tables = 0 -- of the page: each is named by its caption or, without one, by its columns

local function html_table(block, id, caption)
  local heads, names_of_columns, out = {}, {}, {}
  for index, spec in ipairs(block.colspecs) do
    local row = block.head.rows[1]
    heads[index] = { text = row and cell_text(row.cells[index]) or "", right = spec[1] == "AlignRight" }
    names_of_columns[index] = html(heads[index].text)
  end
  local open = id ~= "" and fill('<figure id="%1" class="tbl">', id) or '<figure class="tbl">'
  tables = tables + 1
  local name = caption ~= "" and fill('aria-labelledby="table-%1"', tostring(tables))
    or fill('aria-label="%1"', table.concat(names_of_columns, ", "))
  out[1] = open .. (caption ~= "" and fill('<figcaption id="table-%2">%1</figcaption>', caption, tostring(tables)) or "")
  out[2] = fill('<table role="table" %1>\n<thead role="rowgroup">', name)
  local function class(index) return heads[index].right and ' class="number"' or "" end
  for _, row in ipairs(block.head.rows) do
    local parts = {}
    for index, cell in ipairs(row.cells) do
      parts[index] = fill('<th scope="col" role="columnheader"%1>%2</th>', class(index), written(cell.contents))
    end
    out[#out + 1] = '<tr role="row">' .. table.concat(parts) .. "</tr>"
  end
  out[#out + 1] = '</thead>\n<tbody role="rowgroup">'
  for _, row in ipairs(rows_of(block)) do
    local parts = {}
    if is_group(row) then
      parts[1] = fill('<th scope="rowgroup" role="rowheader" colspan="%1">%2</th>', tostring(#row.cells),
        written(row.cells[1].contents))
    else
      for index, cell in ipairs(row.cells) do
        local pattern = index == 1 and '<th scope="row" role="rowheader"%1>%2</th>'
          or '<td role="cell"%1 data-head="%3">%2</td>'
        parts[index] = fill(pattern, class(index), written(cell.contents), html(heads[index].text))
      end
    end
    out[#out + 1] = fill('<tr role="row"%1>', is_group(row) and ' class="group"' or "") .. table.concat(parts) .. "</tr>"
  end
  out[#out + 1] = "</tbody>\n</table>\n</figure>"
  return table.concat(out, "\n")
end

local function set_table(block, id, caption)
  if typst then return typst_table(block, id, caption) end
  local label = numbers[id] and fill('<span class="label">%1.</span> ', numbers[id]) or ""
  return html_table(block, id, caption ~= "" and label .. caption or "")
end

local function table_div(div)
  local block, caption = nil, ""
  for _, inner in ipairs(div.content) do
    if inner.t == "Table" then block = inner elseif inner.content then caption = caption_of(inner.content) end
  end
  if not block then fail("the table " .. div.identifier .. " has no rows") end
  return set_table(block, div.identifier, caption)
end

-- ---------------------------------------------------------------- our own divs

local blocks -- below: any blocks as text

-- The pairs of a definition list, each part as text.
local function pairs_of(div)
  local result = {}
  for _, block in ipairs(div.content) do
    if block.t == "DefinitionList" then
      for _, item in ipairs(block.content) do
        local definitions = {}
        for _, definition in ipairs(item[2]) do definitions[#definitions + 1] = written(definition) end
        result[#result + 1] = { inline(item[1]), table.concat(definitions, " ") }
      end
    end
  end
  return result
end

local function list_of(entries, pattern, around, title)
  local parts = {}
  for index, entry in ipairs(entries) do parts[index] = fill(pattern, entry[1], entry[2]) end
  return fill(around, table.concat(parts, typst and ", " or "\n"), title)
end

local function facts(div, title)
  local entries = pairs_of(div)
  if typst then return list_of(entries, "([%1], [%2])", "facts([%2], (%1,))", title) end
  return fill('<aside class="facts" aria-label="Facts: %1">\n<p class="box-title" aria-hidden="true">%1</p>\n%2</aside>',
    title, list_of(entries, "<div><dt>%1</dt><dd>%2</dd></div>", "<dl>\n%1</dl>\n"))
end

local function judgement(div)
  local first = div.content[1]
  local claim = pandoc.Inlines(first.content):walk({ Strong = function(strong) return strong.content end })
  local entries = pairs_of(div)
  if typst then
    return fill("#judgement(%1, [%2], (%3,))", str(div.identifier), inline(claim), list_of(entries, "([%1], [%2])", "%1"))
  end
  return fill('<div class="judgement" id="%1" role="group" aria-label="Judgement">\n<p class="claim">%2</p>\n%3</div>', div.identifier, inline(claim),
    list_of(entries, "<div><dt>%1</dt><dd>%2</dd></div>", "<dl>\n%1</dl>\n"))
end

-- The likelihood stands beside the proposition, so that the list can be scanned.
local function judgements(div)
  local out = {}
  local list = div.content[1]
  for index, item in ipairs(list.content) do
    local found, rest = apart(item[1].content, "confidence")
    local word, where = "", nil
    rest = rest:walk({ Strong = function(strong)
      word = word == "" and text_of(strong.content) or word
      return typst and strong.content or nil
    end })
    rest = rest:filter(function(element)
      local leads = element.t == "Link" and has(element, "where")
      where = leads and element or where
      return not leads
    end)
    while #rest > 0 and (rest[#rest].t == "Space" or rest[#rest].t == "SoftBreak") do rest:remove(#rest) end
    local title, target = where and inline(where.content) or "", where and where.target:sub(2) or ""
    local confidence = found.confidence and inline(found.confidence) or ""
    if typst then
      out[index] = fill("(word: [%1], confidence: [%2], where: (%3, [%4]), claim: [%5])",
        word:gsub("^%l", string.upper), confidence, str(target), title, inline(rest))
    else
      local link = where and fill(' <a class="where" href="#%1">%2</a>', html(target), title) or ""
      out[index] = fill('<li><p class="claim">%1</p>\n<p class="confidence">%2%3</p></li>', inline(rest), confidence, link)
    end
  end
  if typst then return "#judgements((" .. table.concat(out, ",\n") .. ",))" end
  return '<ol class="judgements">\n' .. table.concat(out, "\n") .. "\n</ol>"
end

-- A list that no heading of its own introduces gets a title.
local TITLES = { judgements = "What we judge", watch = "What to watch" }

local function titled(list, index)
  local before, block = list[index - 1], list[index]
  for class, title in pairs(TITLES) do
    if block.t == "Div" and has(block, class) and before and before.t ~= "Header" then
      return fill(typst and "#list-title[%1]\n\n" or '<p class="list-title">%1</p>\n', title)
    end
  end
  return ""
end

local function side(div)
  local found, rest = {}, pandoc.Blocks({})
  for _, block in ipairs(div.content) do
    if block.t == "Para" then
      local spans, inlines = apart(block.content, "pull-value")
      found.value = spans["pull-value"] or found.value
      while #inlines > 0 and inlines[1].t == "Space" do inlines:remove(1) end
      if #inlines > 0 then rest:insert(pandoc.Para(inlines)) end
    else
      rest:insert(block)
    end
  end
  local quote = not found.value and #rest > 1 and text_of(rest[1]):match("^[“\"‘]") ~= nil
  local head = ""
  if quote then head = inline(table.remove(rest, 1).content) end
  if typst then
    return fill("#side-note(%1, [%2], [%3])", quote and '"quote"' or found.value and '"pull"' or '"note"',
      found.value and inline(found.value) or head, blocks(rest))
  end
  local first = found.value and fill('<p class="pull-value">%1</p>\n', inline(found.value))
    or quote and fill('<blockquote>%1</blockquote>\n', head) or ""
  return fill('<div class="side-note" role="note">\n%1%2\n</div>', first, blocks(rest))
end

local function contents(div)
  local out, group = {}, {}
  for _, block in ipairs(div.content) do
    if has(block, "contents-part") then
      local title = text_of(block.content)
      out[#out + 1] = fill(typst and "(part: [%1])" or '<li class="part">%1</li>', typst and title or html(title))
    elseif has(block, "contents-entry") then
      local target = block.attributes.target or ""
      local answer = block.content[2] and inline(block.content[2].content) or ""
      local title = text_of(block.content[1])
      if typst then
        out[#out + 1] = fill("(target: %1, title: [%2], answer: [%3])", str(target),
          inline({ pandoc.Str(title) }), answer)
      else
        out[#out + 1] = fill('<li><a href="#%1">%2</a>%3</li>', html(target), html(title),
          answer ~= "" and " <span>" .. answer .. "</span>" or "")
      end
    end
  end
  local coming = {}
  for _, title in ipairs(edition.coming or {}) do coming[#coming + 1] = text_of(title) end
  local to_come = #coming > 0 and fill(typst and "#to-come[%1]" or '<p class="to-come">%1</p>',
    inline({ pandoc.Str("Still to come: " .. table.concat(coming, "; ") .. ".") })) or ""
  if #out == 0 then return to_come end -- an edition that knows no text
  if typst then return "#contents((" .. table.concat(out, ",\n") .. ",))\n\n" .. to_come end
  return '<ul class="contents">\n' .. table.concat(out, "\n") .. "\n</ul>" .. to_come
end

-- ---------------------------------------------------------------- evidence

local function readings_of(list)
  local result = {}
  for _, item in ipairs(list.content) do
    for _, block in ipairs(item) do
      for _, span in ipairs(block.content) do
        if span.t == "Span" and has(span, "reading") then result[#result + 1] = span end
      end
    end
  end
  return result
end

-- Words of other paragraphs that a reading rests on too: on paper a mark is enough where their entry is printed.
local function further_of(inlines)
  if not typst then return inline(inlines) end
  local links = {}
  for name, words in text_of(inlines):gmatch("(%S+) (“.-”)") do
    local id = "ev-" .. name
    links[#links + 1] = shown[id] and not links[id] and fill("#link(label(%1))[%2]", str(id), name)
      or not shown[id] and inline({ pandoc.Str(name), pandoc.Space(), pandoc.Str(words) }) or nil
    links[id] = true
  end
  return #links > 0 and "With~" .. table.concat(links, ", ") or inline(inlines)
end

-- On paper the first words of an inference are enough: its page is named beside them.
local function grounds(inlines)
  for index, item in ipairs(inlines) do
    if typst and item.t == "Span" and has(item, "ours") and index > 22 then
      local start = pandoc.Inlines({ table.unpack(inlines, 1, 19) })
      start:extend({ pandoc.Space(), pandoc.Str("…"), table.unpack(inlines, index + 1) })
      return start
    end
  end
  return inlines:filter(function(item) return not (typst and has(item, "ours")) end)
end

local function entry(div)
  local parts = { words = "", context = {}, readings = {}, rest = {} }
  for _, block in ipairs(div.content) do
    local readings = block.t == "BulletList" and readings_of(block) or {}
    if #readings > 0 then
      parts.readings = readings
    elseif block.content and block.t ~= "BulletList" then
      local found, rest = apart(block.content, "words", "further", "before", "after")
      if found.words then parts.words = inline(found.words) end
      for _, class in ipairs({ "before", "after" }) do
        if found[class] then parts[class] = inline(found[class]) end
      end
      parts.close = found.after and text_of(found.after):match("^%p") and "" or " " -- no space before a comma
      if found.further then parts.further = further_of(found.further) end
      if #rest > 0 then table.insert(parts.rest, inline(grounds(rest))) end
    else
      table.insert(parts.rest, blocks({ block }))
    end
  end
  local id, label, rest = div.identifier, div.attributes.mark or "", table.concat(parts.rest, " ")
  if typst then
    local read = {}
    for index, span in ipairs(parts.readings) do read[index] = inline(span.content) end
    local further = parts.further and parts.further .. (#read > 0 and ". " or "") or ""
    return fill("#entry(cites, %1, %2, %3, [%4], [%5], [%6])", str(id), str(label), str(names[id]), parts.words,
      further .. table.concat(read, "; "), rest)
  end
  local out = { fill('<div id="%1" class="entry%2" tabindex="-1">', id, has(div, "uncited") and " uncited" or "") }
  local body = parts.words
  if body ~= "" then
    local function around(class, label) -- set apart in grey, and by a label for those who do not see it
      return parts[class] and fill('<span class="%1"><span class="unseen">%3 </span>%2</span>', class, parts[class], label) or ""
    end
    body = fill('%1 <span class="words">%2</span>%4%3', around("before", "Before it:"), body, around("after", "After it:"), parts.close)
  end
  out[2] = fill('<p class="quoted"><b class="entry-mark">%1</b> %2</p>', html(label), body ~= "" and body or rest)
  if parts.further then out[#out + 1] = '<p class="further">' .. parts.further .. "</p>" end
  if body ~= "" and rest ~= "" then out[#out + 1] = "<p>" .. rest .. "</p>" end
  if #parts.readings > 0 then
    local items = {}
    for index, span in ipairs(parts.readings) do
      local at = span.identifier ~= "" and fill(' id="%1"', span.identifier) or ""
      items[index] = fill("<li%1>%2</li>", at .. (has(span, "needed") and ' class="needed"' or ""), inline(span.content))
    end
    out[#out + 1] = '<ul class="readings">' .. table.concat(items) .. "</ul>"
  end
  if uses[id] then
    local links = {}
    for index, place in ipairs(uses[id]) do
      links[index] = fill('<a href="#%1">%2</a>', place.id, inline(place.title))
    end
    out[#out + 1] = '<p class="uses">Cited in ' .. table.concat(links, ", ") .. "</p>"
  end
  return table.concat(out, "\n") .. "\n</div>"
end

-- ---------------------------------------------------------------- any blocks

local DIVS = {
  ["bottom-line"] = { "#bottom-line[%1]", '<div class="bottom-line">\n%1\n</div>' },
  ["so-what"] = { "%1", '<div class="so-what">\n%1\n</div>' }, -- on paper: front_note
  yardstick = { "%1", '<div class="yardstick">\n%1\n</div>' },
  watch = { "%1", '<div class="watch">\n%1\n</div>' },
  answer = { "#answer[%1]", '<div class="answer">\n%1\n</div>' },
}
local MADE = { judgements = judgements, judgement = judgement, contents = contents, fig = figure, tbl = table_div,
  side = side, entry = entry }

local function div_of(div)
  for class, make in pairs(MADE) do
    if has(div, class) then
      if typst and class == "entry" and has(div, "uncited") and not printed[div.identifier] then return "" end
      return make(div)
    end
  end
  for class, patterns in pairs(DIVS) do
    if has(div, class) then return fill(patterns[typst and 1 or 2], blocks(div.content)) end
  end
  return blocks(div.content)
end

blocks = function(list)
  local out, waiting = {}, pandoc.Blocks({})
  local function flush()
    if #waiting > 0 then out[#out + 1] = written(waiting) end
    waiting = pandoc.Blocks({})
  end
  for _, block in ipairs(list) do
    if block.t == "Div" or block.t == "Table" then
      flush()
      out[#out + 1] = block.t == "Div" and div_of(block) or set_table(block, "", "")
    else
      waiting:insert(block)
    end
  end
  flush()
  return table.concat(out, "\n\n")
end

-- ---------------------------------------------------------------- the document

local function level_of(header)
  return has(header, "part") and "part" or has(header, "evidence-part") and "evidence" or header.level == 1 and "front"
    or has(header, "chapter") and "chapter" or header.level == 2 and "source" or "section"
end

local function taken(list, index, class)
  local block = list[index]
  if block and block.t == "Div" and has(block, class) then return block end
end

local function in_sides(block)
  return block.t == "Div" and (has(block, "side") or (has(block, "fig") and has(block, "w47")))
end

-- Beside the bottom line; the judgements stay in the text.
local FRONT_NOTES = { "so-what", "yardstick", "watch" }

local function front_note(block)
  for _, class in ipairs(FRONT_NOTES) do
    if block and block.t == "Div" and has(block, class) then return class end
  end
end

local function is_watch(block)
  local first = block.t == "Para" and block.content[1]
  return first and first.t == "Strong" and text_of(first) == "Watch"
end

local function code_of(block, code)
  if block.t == "Div" and has(block, "judgement") then return "judgement", false end
  if block.t == "Div" and has(block, "fig") then return "fig", has(block, "w166") end
  if code:match("^#tbl%(") then
    return code:match("%), long: (%a+)") == "true" and "long" or "tbl", code:match("wide: (%a+)") == "true"
  end
  return "text", false
end

-- What stands in the side column is carried by slots between the paragraphs; a part's pieces are given to `flow`, which
-- finds the places of its figures and tables (template.typ).
local function set_typst(doc)
  local out, list, index = {}, doc.blocks, 1
  local pieces, before -- of the part that is open
  local sides, evidence, open = false, false, false
  local level -- the slot of a judgement that stands directly before
  local function put(pattern, ...)
    local code = fill(pattern, ...)
    if pieces then
      pieces[#pieces + 1] = fill('(kind: "none", body: [%1])', code)
    else
      out[#out + 1] = code
    end
  end
  local function piece(kind, code, more)
    if not pieces then return put("%1", code) end
    pieces[#pieces + 1] = fill('(kind: "%1", %3body: [%2])', kind, code, more or "")
  end
  local function close(leaves_part)
    if open then put("])") end
    open = false
    if chapter > 0 and not evidence then put("#end-chapter(%1, %2)", tostring(chapter), slot()) end
    if pieces and leaves_part then
      out[#out + 1] = "#pagebreak(weak: true)\n#flow(\n" .. table.concat(pieces, ",\n") .. ",\n)"
      pieces = nil
    end
    chapter, sides = chapter + 1, false
  end
  local function chapter_opening(block)
    local short = inline({ pandoc.Str(block.attributes.short or text_of(block.content)) })
    local answer = taken(list, index + 1, "answer")
    if answer then index = index + 1 end
    local box = taken(list, index + 1, "facts")
    if box then index = index + 1 end
    sides = true
    local heights = fill("[%1], [%2], %3", inline(block.content), answer and blocks(answer.content) or "",
      box and facts(box, short) or "none")
    piece("chapter", fill("#chapter(%1, %2, %3, %4)", str(block.identifier), tostring(chapter), slot(), heights),
      "heights: (" .. heights .. "), ")
  end
  local function introduction(pattern, kind)
    local found = pandoc.Blocks({})
    while list[index + 1] and list[index + 1].t ~= "Header" do
      index = index + 1
      found:insert(list[index])
    end
    if #found > 0 then piece(kind, fill(pattern, blocks(found))) end
  end
  local function header(block)
    local kind, id, title = level_of(block), str(block.identifier), inline(block.content)
    if kind == "section" or kind == "source" then
      if evidence and has(block, "uncited") then -- on the page only
        while list[index + 1] and list[index + 1].t ~= "Header" and list[index + 1].t ~= "Div" do index = index + 1 end
        return
      end
      if evidence and not open then
        put("#columns-of-evidence(cites => [")
        open = true
      end
      local note = not evidence and front_note(list[index + 1])
      if note then
        index = index + 1
        return put("#side(%1, %2, top: true, front-note(%3, [%4], [%5]))", tostring(chapter), slot(), id, title,
          blocks(list[index].content))
      end
      return piece("section", fill("#%1(%2)[%3]", kind == "source" and not evidence and "subhead" or kind, id, title))
    end
    close(kind ~= "chapter")
    if kind == "chapter" then
      pieces = pieces or {}
      return chapter_opening(block)
    end
    evidence = kind == "evidence"
    if kind == "front" then
      local runs_on = before == "front" and block.identifier ~= "contents"
      put("#front(%1, %2, runs-on: %4)[%3]", id, tostring(chapter), title, tostring(runs_on))
    end
    before = block.identifier == "contents" and "contents" or kind
    if kind == "part" then
      pieces = {}
      piece("part", fill("#part(%1, %2)[%3]", id, str(block.attributes.number or ""), title))
      introduction("#intro[%1]", "block")
    end
    if evidence then
      put("#evidence(%1)[%2]", id, title)
      introduction("#intro-sans[%1]", "block")
    end
  end
  while index <= #list do
    local block = list[index]
    if block.t == "Header" then
      header(block)
    elseif front_note(block) then
      local title = titled(list, index) ~= "" and "[" .. TITLES.watch .. "]" or "none"
      put("#side(%1, %2, top: true, front-note(none, %3, [%4], small: %5))", tostring(chapter), slot(), title,
        blocks(block.content), tostring(has(block, "yardstick")))
    elseif in_sides(block) or taken(list, index, "facts") or (pieces and is_watch(block)) then
      sides = true
      put("#side(%1, %2%4)[%3]", tostring(chapter), slot(), has(block, "facts") and "#" .. facts(block, "In brief")
        or is_watch(block) and "#side-note(\"note\", [], [" .. blocks({ block }) .. "])" or blocks({ block }),
        is_watch(block) and level and ", level: " .. level or "")
    else
      local code = titled(list, index) .. blocks({ block })
      local kind, wide = code_of(block, code)
      local at = ""
      if sides and not evidence then
        level = slot()
        at = fill("#slot(%1, %2)", tostring(chapter), level)
        if kind ~= "judgement" then level = nil end
      end
      piece(kind, at .. code, fill("wide: %1, ", tostring(wide)))
    end
    index = index + 1
  end
  close(true)
  return table.concat(out, "\n\n")
end

local function set_html(doc)
  local out, open = {}, {}
  local tags = { front = 2, part = 2, evidence = 2, chapter = 3, source = 3, section = 4 }
  local title = ""
  for index, block in ipairs(doc.blocks) do
    if block.t == "Header" then
      local kind = level_of(block)
      local level = tags[kind]
      while #open > 0 and open[#open] >= level do
        out[#out + 1] = "</section>"
        table.remove(open)
      end
      table.insert(open, level)
      title = html(block.attributes.short or text_of(block.content))
      local number = block.attributes.number and fill('<p class="part-number">Part %1</p>\n', block.attributes.number) or ""
      out[#out + 1] = fill('<section id="%1" class="%2" data-short="%5">\n%6<h%3>%4</h%3>', block.identifier, kind,
        tostring(level), inline(block.content), title, number)
    elseif block.t == "Div" and has(block, "facts") then
      out[#out + 1] = facts(block, title)
    elseif is_watch(block) and taken(doc.blocks, index - 1, "judgement") then
      out[#out + 1] = '<div class="side-note" role="note">\n' .. blocks({ block }) .. "\n</div>"
    else
      out[#out + 1] = titled(doc.blocks, index) .. blocks({ block })
    end
  end
  return table.concat(out, "\n") .. string.rep("\n</section>", #open)
end

-- The page's own contents: parts, chapters, annexes.
local function navigation()
  local out, part = {}, ""
  for _, header in ipairs(headings) do
    local kind, short = level_of(header), html(header.attributes.short or text_of(header.content))
    if kind == "part" then
      part = text_of(header.content)
      out[#out + 1] = '<li class="part">' .. short .. "</li>"
    elseif kind ~= "section" and kind ~= "source" and header.identifier ~= "contents" then
      if kind ~= "chapter" and part ~= "" and part ~= last_part then
        part = last_part
        out[#out + 1] = fill('<li class="part">%1</li>', html(part))
      end
      out[#out + 1] = fill('<li><a href="#%1">%2</a></li>', header.identifier, short)
    end
  end
  return "<ul>\n" .. table.concat(out, "\n") .. "\n</ul>"
end

local function metadata(meta)
  local brand = {}
  edition = yaml("edition.yml")
  for name, value in pairs(yaml("_brand.yml").color.palette) do brand[name] = text_of(value) end
  meta.edition, meta.brand = edition, brand
  meta.title, meta.pagetitle = edition.title, text_of(edition.title)
  local names_of, mapped = {}, {}
  for name in pairs(brand) do names_of[#names_of + 1] = name end
  table.sort(names_of)
  local light, dark, palette = {}, {}, {}
  for _, name in ipairs(names_of) do
    palette[#palette + 1] = fill("%1: rgb(%2)", str(name), str(brand[name]))
    if not name:match("%-dark$") then
      light[#light + 1] = fill("--%1: %2;", name, brand[name])
      local on_dark = brand[name .. "-dark"]
      if on_dark then
        dark[#dark + 1] = fill("--%1: %2;", name, on_dark)
        for _, part in ipairs({ "fill", "stroke" }) do
          mapped[#mapped + 1] = fill('.chart [%1="%2" i] { %1: var(--%3); }', part, brand[name], name)
        end
      end
    end
  end
  local function raw(text) return pandoc.RawInline(TO, text) end
  meta["brand-css"], meta["brand-dark"] = raw(table.concat(light, " ")), raw(table.concat(dark, " "))
  meta["brand-map"], meta.palette = raw(table.concat(mapped, "\n")), raw(table.concat(palette, ", "))
  meta.day = text_of(edition.date or ""):match("^%d%d%d%d%-%d%d%-%d%d") or fail("edition.yml: date is no ISO date")
  for index, name in ipairs({ "year", "month", "day" }) do
    meta["day-" .. name] = ({ meta.day:match("^(%d+)%-0?(%d+)%-0?(%d+)") })[index]
  end
  meta["cover-alt"] = raw(str(text_of(edition["cover-alt"] or edition.finding or "")))
  meta.plain = raw(typst and str(text_of(edition.title)) or html(text_of(edition.title)))
  meta["plain-cite"], meta["plain-publisher"] = raw(str(text_of(edition.cite))), raw(str(text_of(edition.publisher)))
  local keywords = {}
  for index, keyword in ipairs(edition.keywords or {}) do keywords[index] = str(text_of(keyword)) .. "," end
  meta["plain-keywords"] = raw(table.concat(keywords, " "))
  local attached = pandoc.List({})
  local there, found = pcall(pandoc.system.list_directory, "attached")
  if there then
    table.sort(found)
    for _, name in ipairs(found) do
      local kind = name:match("%.json$") and "application/json" or name:match("%.csv$") and "text/csv" or "text/plain"
      attached:insert({ path = raw("attached/" .. name), mime = kind })
    end
  end
  meta.attached = attached
  meta.navigation = pandoc.RawBlock(TO, typst and "" or navigation())
  return meta
end

-- The quickest of Pandoc's readers by far, with what the stage writes and no more.
local READER = "commonmark+smart+attributes+bracketed_spans+definition_lists+fenced_divs+pipe_tables+superscript"
  .. "+gfm_auto_identifiers"

-- What the engine has read gives way: nothing, or the order of chapters in report.qmd.
function Pandoc(doc)
  local staged = file("report.md") or fail("report.md is missing; type `quarto render report`")
  if typst then -- readings stand on the page; the PDF has those alone that give a number which the words do not
    staged = staged:gsub("\n%- %[[^\n]*%]{%.reading[^%.}\n]*}%f[\n]", "")
  end
  doc.blocks = pandoc.read(staged, READER).blocks
  survey(doc)
  local function none() return {} end -- the stage writes no raw code
  doc = doc:walk({ RawBlock = none, RawInline = none, Link = linked })
  local meta = metadata(doc.meta)
  return pandoc.Pandoc({ pandoc.RawBlock(typst and "typst" or "html", whole(typst and set_typst(doc) or set_html(doc))) }, meta)
end

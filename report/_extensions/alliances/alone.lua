-- The tab of a notebook that is rendered alone: Quarto names it after the file, since it reads no title of its outputs.
function Meta(meta)
  meta.pagetitle = meta.title and pandoc.utils.stringify(meta.title) or meta.pagetitle
  return meta
end

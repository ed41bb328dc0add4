// The pages are written by the server and work without this script. It does what
// HTML can't: keep a page up to date, make dialogs modal, and copy.

// A form's answer is a page like any other: it can be loaded again, and gone back to,
// without sending the form once more.
const here = document.querySelector("[data-page]")
if (here) history.replaceState(null, "", here.dataset.page)

const live = document.getElementById("live")
let events = null

// follow keeps the page up to date while somebody sees it: a browser has six
// connections to a server, for all of its tabs.
function follow() {
  events?.close()
  events = document.hidden ? null : new EventSource(live.dataset.events)
  if (!events) return
  events.onopen = refresh // something may have happened since the page was written
  events.onmessage = refresh
}
if (live) {
  follow()
  document.addEventListener("visibilitychange", follow)
}

let refreshing = null
let again = false

// refresh takes the part of the page that changes from the server, once more if it
// changes meanwhile.
function refresh() {
  again = true
  refreshing ??= (async () => {
    while (again) {
      again = false
      const answer = await fetch(live.dataset.page)
      if (answer.ok) replace(new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live"))
    }
  })().catch(() => {}).finally(() => { refreshing = null }) // the stream opens again, and then the page is taken
}

// replace changes what has changed and nothing else, so that the reader's finger
// does not miss what it is about to touch.
function replace(fresh) {
  if (!fresh) return
  for (const menu of live.querySelectorAll("details")) fresh.querySelector("#" + menu.id)?.toggleAttribute("open", menu.open)
  const chosen = new Set([...live.querySelectorAll("input:checked")].map((box) => box.value))
  const before = heard()
  update(live, fresh)
  for (const box of live.querySelectorAll("input[type=checkbox]")) box.checked = chosen.has(box.value)
  const say = document.querySelector("[data-heard]")
  if (say && heard() !== before) say.textContent = heard()
}

function update(old, fresh) {
  if (old.isEqualNode(fresh) || old.name === "request_id") return
  if (!old.cloneNode().isEqualNode(fresh.cloneNode())) {
    old.replaceWith(fresh)
    return
  }
  const before = [...old.childNodes]
  const after = [...fresh.childNodes]
  if (before.length === after.length) before.forEach((part, i) => update(part, after[i]))
  else old.replaceChildren(...after)
}

// heard is what a screen reader tells when it changes.
function heard() {
  return [...live.querySelectorAll("[data-say]")].map((e) => e.textContent).join(", ")
}

for (const dialog of document.querySelectorAll("dialog[open]")) {
  dialog.removeAttribute("open") // close() would tell of it later, as if the reader had closed it
  dialog.showModal()
  dialog.addEventListener("close", () => location.replace(dialog.dataset.back))
  for (const link of dialog.querySelectorAll("[data-close]")) {
    link.addEventListener("click", (event) => { event.preventDefault(); dialog.close() })
  }
}

const copied = document.querySelector("[data-copied]")
for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    try {
      await (button.dataset.copy === "link" ? copyLink() : copyImage())
      copied.textContent = copied.dataset.copied
    } catch {
      copied.textContent = copied.dataset.failed
    }
  })
}

function copyLink() {
  return navigator.clipboard.writeText(document.getElementById("link").value)
}

function copyImage() {
  const image = document.getElementById("code")
  const canvas = document.createElement("canvas")
  canvas.width = image.naturalWidth
  canvas.height = image.naturalHeight
  canvas.getContext("2d").drawImage(image, 0, 0)
  // A promise and not its outcome: Safari wants the clipboard asked at once.
  const png = new Promise((resolve) => canvas.toBlob(resolve, "image/png"))
  return navigator.clipboard.write([new ClipboardItem({ "image/png": png })])
}

// A click elsewhere or Escape closes the dropdown.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false
  }
})
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false
    menu.querySelector("summary").focus()
  }
})

const all = document.querySelector("[data-all]")
if (all) {
  all.hidden = false
  all.querySelector("input").addEventListener("change", (event) => {
    for (const box of live.querySelectorAll("input[name=user]")) box.checked = event.target.checked
  })
}

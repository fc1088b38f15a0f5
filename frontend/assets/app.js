// What a page does more with a script than without one; every page works without it.

const channel = 'BroadcastChannel' in window ? new BroadcastChannel('session') : null
const user = document.querySelector('[data-user]')

// Sign-out in one tab reaches the others. It is told when it has happened, by the page after it.
if (user) {
  user.addEventListener('submit', () => sessionStorage.setItem('leaving', 'yes'))
  channel?.addEventListener('message', check)
  document.addEventListener('visibilitychange', () => document.hidden || check())
} else if (sessionStorage.getItem('leaving')) {
  sessionStorage.removeItem('leaving')
  channel?.postMessage('signed out')
}

// Asks whether the session is still there, and shows the page of somebody signed out if not.
async function check() {
  const answer = await fetch('/session').catch(() => null)
  if (answer?.status === 401) location.assign('/')
}

// The message is asked for again every minute while somebody can see it; a failure leaves the old one.
const message = document.getElementById('message')
if (message) {
  setInterval(async () => {
    if (document.hidden) return
    const answer = await fetch('/api/secure.json').catch(() => null)
    if (answer?.status === 401) return check()
    const said = answer?.ok && (await answer.json().catch(() => null))
    if (typeof said?.message === 'string') message.textContent = message.dataset.text.replace('{}', () => said.message)
  }, 60_000)
}

// A field that cannot be right says so when it is left, and stops as soon as it can be.
const main = document.querySelector('main')
for (const field of main.querySelectorAll('input:not([type=hidden])')) {
  field.addEventListener('blur', () => field.value && judge(field))
  field.addEventListener('input', () => document.getElementById(`${field.id}-wrong`) && judge(field))
}

function judge(field) {
  const id = `${field.id}-wrong`
  const said = document.getElementById(id)
  const described = (field.getAttribute('aria-describedby') ?? '').split(' ').filter(name => name && name !== id)
  if (field.validity.valid) {
    said?.remove()
    field.removeAttribute('aria-invalid')
  } else {
    const note = said ?? Object.assign(document.createElement('p'), { id, className: 'wrong' })
    note.setAttribute('role', 'status')
    note.textContent = field.validationMessage || main.dataset.check
    if (!said) field.after(note)
    field.setAttribute('aria-invalid', 'true')
    described.push(id)
  }
  if (described.length) field.setAttribute('aria-describedby', described.join(' '))
  else field.removeAttribute('aria-describedby')
}

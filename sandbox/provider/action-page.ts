/** The page where a person approves or declines, as a bank's 3-D Secure page would be. */
import { formatMoney } from '#contracts/money.ts'
import type { Authorization } from './authorization.ts'

const STATES: Record<Authorization['status'], string> = {
  requires_action: 'This payment waits for you.',
  authorized: 'You approved this payment. You can close this page.',
  declined: 'You declined this payment. You can close this page.',
  voided: 'This payment was given up. There is nothing to approve any more.',
  expired: 'This payment has expired. There is nothing to approve any more.',
}

/** Allows nothing but its own style and its own two buttons. */
export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
}

export function actionPage({ status, amount, currency, actionToken }: Authorization): string {
  const path = `/authentications/${actionToken ?? ''}`
  const buttons = `
    <form method="post" action="${path}/approve"><button class="approve">Approve</button></form>
    <form method="post" action="${path}/decline"><button>Decline</button></form>`
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <title>Approve a payment (sandbox)</title>
    <style>
      body { font: 1rem/1.5 system-ui, sans-serif; max-width: 24rem; margin: 15vh auto; padding: 0 1rem; color: #1a1a1a }
      p.amount { font-size: 2rem; margin: 0 }
      form { display: inline-block }
      button { font: inherit; padding: .5rem 1.25rem; border: 1px solid #555; border-radius: .4rem; background: #fff; cursor: pointer }
      button.approve { background: #14532d; border-color: #14532d; color: #fff }
    </style>
  </head>
  <body>
    <main>
      <h1>Sandbox bank</h1>
      <p class="amount">${formatMoney(amount, currency)}</p>
      <p role="status">${STATES[status]}</p>${status === 'requires_action' ? buttons : ''}
    </main>
  </body>
</html>
`
}

"""Torget's own pages: just enough of a marketplace to be left.

One can look around, sign in, pay what one owes, and find the two ways out: *Close account* in the profile, *Erase my
account* on the privacy page. Both hand the person over to the portal, which is a server of its own, with a signed
token (`leaving`). Mails are not sent into the world: a real SMTP server in this process takes them (`mailbox`), and a
page shows them. `place` starts all of it.

This is an example and no model of a shop: everybody has the same password, and it stands on the sign-in page.
"""

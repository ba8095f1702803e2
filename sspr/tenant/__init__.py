"""The one seam to Microsoft: sign-in, transport, JSON batches, pacing, typed calls. Enter by `sspr.tenant.graph`.

graph      the typed calls the job uses: organization, flag, administrators, accounts, methods, writes
roster       role assignments → who is an administrator
permissions  what a run needs, as data, and the words when something is missing
parse        JSON → values of `sspr.model`;   odata: values → addresses
dispatch     many requests → batches in flight, sent again where that is safe
outcomes     what an answer means (pure);   batch: packing and unpacking (pure)
pacing       leave to send: quotas, Retry-After;   health: is Graph there at all
signin       msal and the token;   credentials: what it signs in with
transport    the only module that knows httpx
errors       what can stop a run here
"""

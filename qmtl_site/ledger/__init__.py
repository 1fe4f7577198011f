"""Every change is one use case in one transaction: row + audit entry + event.

`use_case` opens the transaction; `qmtl_site.outbox.emit` and `qmtl_site.audit.record` stage what must be
written with it. The staged entries get their gapless numbers at the very end, under the lock of one small
ledger row per stream, so that no use case holds that lock while it works.
"""

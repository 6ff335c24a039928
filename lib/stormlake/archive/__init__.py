"""Where bytes come from: archive keys, listing, fetching, and cutting the work into tasks.

An archive is a bucket with the key layout of the public NEXRAD Level II archive, or a local
folder. `source` is the front door; `plan` makes tasks of what it lists.
"""

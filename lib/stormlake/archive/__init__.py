"""Where bytes come from: archive keys, listing, fetching, and cutting the work into tasks.

An archive is a bucket or a local folder. Of radar archives, which have the key layout of the
public NEXRAD Level II archive, `source` is the front door; `plan` makes tasks of what it lists.
Sensor archives lie by hour of arrival: `arrivals` finds their objects, `streams` reads them a
piece at a time, and `inflate` gunzips what comes.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
"""The status page: what the box does, read in a browser by whoever has its link.

    link      where it is, and the secret that opens it
    sockets   who may connect, and how many                      uvicorn's protocol on our sockets
    door      who is let in: hosts, the cookie, what no other site may do
    app       which address shows what                           starlette, jinja2
    facts     what is known of the box and its jobs              reads the queue and jobs' folders
    curves    figures to SVG          pictures  a job's picture          words  how it is said

It stands beside the wire's server and only looks at the same jobs; of all it could do it cancels a
job. It must not know the wire. Its packages are the extra `web`: a server without the page needs
none of them.
"""

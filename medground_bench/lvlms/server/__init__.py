"""LVLMs behind a server that speaks the OpenAI-compatible chat API: `http://127.0.0.1:8000/v1#name`.

From the location to the LVLM, each file uses those above it:

address   where a model is served, and who may be sent pictures
client    requests: so many in flight, tried again while the server is busy, and what is wrong with an answer
answers   what the server said, as values
chat      the chat route: a question and its picture, a response and its tokens
scoring   routes to the log-probability of a given response
served    the contract `Lvlm`
"""

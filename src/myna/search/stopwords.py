"""Words too common to ask for: left out of questions and of the queries that meaning is judged by. Folded, no marks."""

ENGLISH = frozenset(
    """
    a about after again all also am an and any are as at be because been before being both but by can could did
    do does doing dont down during each few for from further had has have having he her here hers him his how i
    if in into is isnt it its just me more most my no nor not now of off on once only or other our ours out over
    own rt same she should so some such than that the their theirs them then there these they this those through
    to too under until up very via was we were what when where which while who whom whose why will with would
    you your yours im youre ive thats amp according tweet post tweeter author user person name much many long
    old often
    """.split()
)
VIETNAMESE = frozenset(
    """
    va la cua co cho cac nhung mot trong duoc voi khong nay do thi ma o ra vao len xuong da dang se cung nhu khi
    de tu den theo ve bi boi vi nen neu hay hoac rat qua lai con chi ai gi nao dau sao bao nhieu may the toi ban
    anh em ho chung ta minh nguoi luc
    """.split()
)
STOPWORDS = ENGLISH | VIETNAMESE

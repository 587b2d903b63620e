def convert(d,a,b): pass

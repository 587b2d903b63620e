def convert(draft, arguments, databases):
    raise NotImplementedError
